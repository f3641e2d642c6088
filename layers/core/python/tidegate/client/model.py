"""A client of one model: rows in, predictions out, and outcomes later.

rows -> requests of so many rows as the model takes -> a receipt each -> one prediction per row
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self, overload
from urllib.parse import urlsplit

from tidegate.client import frames
from tidegate.client.api import RETRIES, Answer, Api, Session, local_url
from tidegate.client.outcomes import Outcome, batches, outcomes_of
from tidegate.client.rows import Columns, Records, count_rows, part_of
from tidegate.errors import EndpointError, InvalidRowsError, PayloadTooLargeError, ReceiptError
from tidegate.settings import Names

if TYPE_CHECKING:
    import pandas as pd

ROWS = 1000  # of one request, which is what a contract takes unless it says otherwise
HERE = ("localhost", "127.0.0.1")
_ENTRY = re.compile(r"^feedback\[(\d+)\]")
_PLACE = re.compile(r"(row|label)(?:s\[(\d+)\])?")


@dataclass(frozen=True)
class Batch:
    """What one request was answered; `first` is the place of its first row among all."""

    first: int
    model: str
    version: int
    release: str
    receipt: str
    predictions: tuple[dict[str, Any], ...]  # label and score(s), or value


@dataclass(frozen=True)
class Prediction:
    """One row's: label and score (binary), label and scores (multiclass), or value."""

    receipt: str
    row: int  # within the receipt
    version: int
    label: str | None = None
    score: float | None = None
    scores: Mapping[str, float] | None = None
    value: float | None = None


@dataclass(frozen=True)
class Counts:
    """What became of labels: new, in the place of another, or known already."""

    stored: int = 0
    changed: int = 0
    duplicates: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.stored + other.stored,
            self.changed + other.changed,
            self.duplicates + other.duplicates,
        )


_ANSWER = {"model": str, "version": int, "release": str, "receipt": str, "predictions": list}
_COUNTS = {field.name: int for field in fields(Counts)}
_FIELDS = {field.name for field in fields(Prediction)}


class Client:
    """Speaks to one model; many threads may share it. Close it, or use it in a `with` statement."""

    def __init__(
        self,
        where: str | Api,
        model: str,
        *,
        session: Session | None = None,
        timeout: float = 35.0,
        retries: int = RETRIES,
    ) -> None:
        """Reach `model` at `where`: the API's URL, an environment's name, or an open `Api`.

        `session` is a `boto3.Session`; without one the ordinary credential chain is asked.
        `timeout` is how many seconds may pass without a byte of an answer. An environment's name is
        looked up in its SSM parameter.
        """
        self._model, self._rows = model, ROWS
        if isinstance(where, str):
            session = session or _session()
            url = where if where.startswith(("https://", "http://")) else _url(where, session)
            where = Api(url, session=session, timeout=timeout, retries=retries)
        self._api = where

    @overload
    def predict(self, rows: pd.DataFrame) -> pd.DataFrame: ...

    @overload
    def predict(self, rows: Records | Columns) -> list[Prediction]: ...

    def predict(self, rows: Any) -> Any:
        """Return one prediction per row of a frame, a list of records, or lists by column.

        A frame is answered by a frame with the same index: label and score (or value), `version`,
        and `receipt` and `row`, by which `feedback` knows the row again; the columns of no rows
        are asked for. Raises `InvalidRowsError` naming rows of the input, and the other errors of
        `tidegate.errors`.
        """
        if not frames.is_frame(rows):
            return [one for batch in self.batches(rows) for one in _predictions(batch)]
        found = [one for batch in self.batches(frames.columns_of(rows)) for one in _named(batch)]
        told = frames.frame_of(found or [self._example()])
        return told.iloc[: len(found)].set_axis(rows.index)

    def batches(self, rows: Records | Columns, *, most: int = 0) -> Iterator[Batch]:
        """Yield what each request is answered, in order; `most` rows are sent at once.

        A request that the model finds too large is halved, and so are all after it.
        """
        count, at, size = count_rows(rows), 0, most or self._rows
        while at < count:
            part = min(size, count - at)
            try:
                answer = self._post("predict", part_of(rows, at, at + part))
            except PayloadTooLargeError:
                if part == 1:
                    raise
                size = part // 2
                self._rows = min(self._rows, size)
                continue
            except InvalidRowsError as error:
                raise _moved(error, at) from None
            yield _batch(at, part, answer)
            at += part

    def feedback(self, answered: Any, labels: Any) -> Counts:  # noqa: ANN401 - frames and lists
        """Tell what came true of rows that were `answered`, as `predict` returned them.

        `labels` stand in the same order (a frame's are matched by index if they are a Series);
        None, NaN and NA: not known yet. Whole numbers are labels in every type, 1.0 too. The same
        label again changes nothing, another one takes its place.
        """
        if frames.is_frame(answered):
            labels = frames.matched(labels, answered.index)
            rows = list(zip(answered["receipt"], map(int, answered["row"]), strict=True))
        else:
            rows = [(one.receipt, one.row) for one in answered]
        return self.feedback_rows(outcomes_of(rows, list(labels)))

    def feedback_rows(self, outcomes: Sequence[Outcome]) -> Counts:
        """Send outcomes in batches; raise errors that name their place among `outcomes`."""
        counts = Counts()
        for entries, places in batches(outcomes):
            try:
                told = _told(self._post("feedback", {"feedback": entries}), _COUNTS)
            except (InvalidRowsError, ReceiptError) as error:
                with suppress(IndexError):  # of a place that was not sent
                    raise _placed(error, places) from None
                raise
            counts += Counts(**told)
        return counts

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _example(self) -> dict[str, Any]:
        """Return a row as this model answers one, by its metadata."""
        path = f"/models/{self._model}/v2/models/{self._model}"
        told = _told(self._api.send("GET", path).raise_for_error(), {"outputs": list})
        found: dict[str, Any] = {}
        for one in told["outputs"]:
            of = one.get("parameters", {}).get("classes")
            number = dict.fromkeys(of, 0.0) if of else 0.0
            found[one["name"]] = "" if one["name"] == "label" else number
        return {**found, "version": 0, "receipt": "", "row": 0}

    def _post(self, action: str, payload: object) -> Answer:
        path, gzipped = f"/models/{self._model}/{action}", action == "predict"
        return self._api.post(path, payload, gzipped=gzipped).raise_for_error()


def _session() -> Session:
    import boto3

    return boto3.Session()


def _url(env: str, session: Any) -> str:  # noqa: ANN401 - a boto3.Session
    ssm = session.client("ssm")
    url = str(ssm.get_parameter(Name=Names(env).api_url_parameter)["Parameter"]["Value"])
    endpoint = str(ssm.meta.endpoint_url)
    return local_url(url, endpoint) if urlsplit(endpoint).hostname in HERE else url


def _batch(at: int, rows: int, answer: Answer) -> Batch:
    told = _told(answer, _ANSWER)
    found = tuple(one for one in told.pop("predictions") if isinstance(one, dict))
    if len(found) != rows:
        raise EndpointError(answer.status, "", f"{len(found)} predictions of {rows} rows")
    return Batch(first=at, predictions=found, **told)


def _told(answer: Answer, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Return fields of an answer; raise `EndpointError` when this is none of an endpoint."""
    found = {name: answer.body.get(name) for name in kinds}
    wrong = [name for name, kind in kinds.items() if type(found[name]) is not kind]
    if wrong:
        raise EndpointError(answer.status, "", f"no answer of an endpoint, without {wrong[0]}")
    return found


def _named(batch: Batch) -> Iterator[dict[str, Any]]:
    """Yield rows with what knows them again, without fields that later endpoints may have."""
    for row, one in enumerate(batch.predictions):
        known = {name: value for name, value in one.items() if name in _FIELDS}
        yield {**known, "version": batch.version, "receipt": batch.receipt, "row": row}


def _predictions(batch: Batch) -> Iterator[Prediction]:
    return (Prediction(**one) for one in _named(batch))


def _moved(error: InvalidRowsError, by: int) -> InvalidRowsError:
    problems = [replace(p, row=p.row + by) if p.row >= 0 else p for p in error.problems]
    return InvalidRowsError(problems, error.total)


def _placed(
    error: InvalidRowsError | ReceiptError, places: Sequence[Sequence[int]]
) -> InvalidRowsError | ReceiptError:
    """Name outcomes by their place in what was given, and not in the batch that was sent."""
    if isinstance(error, ReceiptError):
        return ReceiptError(
            _ENTRY.sub(lambda found: f"feedback[{places[int(found[1])][0]}]", str(error))
        )
    problems = []
    for problem in error.problems:
        found = _PLACE.fullmatch(problem.column)
        if found and problem.row >= 0:
            place = places[problem.row][int(found[2] or 0)]
            problems.append(replace(problem, row=place, column=found[1]))
        else:
            problems.append(problem)
    return InvalidRowsError(problems, error.total)
