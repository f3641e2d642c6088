"""Predict: body -> matrix -> scores -> answer with a receipt. Pure but for the session's run."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import orjson

from tidegate.contract import Contract
from tidegate.encoding.encoder import SMALL, Encoder
from tidegate.errors import InvalidRowsError, PackageError, PayloadTooLargeError, Problem
from tidegate.frozen import made
from tidegate.scoring.predictions import finite
from tidegate.scoring.reading import Numbers, Places, Read, Reading
from tidegate.scoring.session import Features, FewRowsSession, as_matrix
from tidegate.serving.answers import Answer
from tidegate.serving.content_coding import JSON_TYPE
from tidegate.serving.protocols.negotiation import accepted, check_types
from tidegate.serving.protocols.own_json import JsonProtocol
from tidegate.serving.protocols.port import PredictProtocol, Question
from tidegate.serving.receipts import MAX_LENGTH, Signer
from tidegate.serving.served import Served

OWN, OPEN_INFERENCE = "json", "v2"  # names of the protocols that a predictor speaks
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
MAX_ANSWER = 5_900_000  # bytes as Lambda counts them; it takes 6 MB
_SURELY_FITS = MAX_ANSWER // 2  # at worst every byte is a quote and counts twice


class Outcome(NamedTuple):
    """An answer, and what of it is counted: nothing of a refusal but the status.

    `features` of so many `rows` is what the model was asked; `scores` (rows,) and `places` are what
    was answered (`Read`: one number per row, and the number of its class). Both are empty when some
    of the rows, `invalid` of them, had no finite answer.
    """

    answer: Answer
    rows: int = 0
    features: Features | None = None
    scores: Numbers | None = None
    places: Places = ()
    invalid: int = 0


class Predictor:
    """Answers predict requests of one served version."""

    def __init__(
        self, contract: Contract, session: FewRowsSession, *, served: Served, receipt_key: str
    ) -> None:
        """Compile the contract. `max_bytes` is how long a body may be."""
        self._contract, self._session = contract, session
        self._reading, self._outputs = Reading(contract), contract.outputs
        self.max_bytes, row_bytes = contract.max_bytes, 4 * len(contract.columns)
        # Few rows and the numbers that answer them, by the bytes of their features.
        self._few = {n * row_bytes: (n, n * contract.outputs) for n in range(1, SMALL)}
        self._served, self._encoder = served, Encoder(contract)
        told = contract.outputs if contract.task == "multiclass" else 1  # numbers of a row
        said = (served.model, served.version, served.release)
        self._signer = Signer(*said, key=receipt_key, width=told)
        own = JsonProtocol(contract, self._encoder, served)
        self._protocols: dict[str, PredictProtocol] = {OWN: own}

    @property
    def contract(self) -> Contract:
        """What the model takes and answers."""
        return self._contract

    def predict(
        self,
        body: bytes,
        *,
        id: str,
        at: float,
        protocol: str = OWN,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Outcome:
        """Answer a body that came `at` so many seconds after 1970; `id` names the receipt.

        Raises `RequestError` (or a kind of it) when the body is refused or what answers it would be
        too long, `PackageError` when the model's run fails.
        """
        spoken = self._protocols.get(protocol) or self._open_inference()
        if headers.get("content-type", JSON_TYPE) not in spoken.types:
            check_types(headers, spoken.types)
        question = spoken.read(body, headers)
        features, write, _ = question
        rows, found = self._run(features)
        if found is None:
            return self._unanswerable(question, rows)
        places, shown, tracked = found
        text = orjson.dumps(shown)
        receipt = self._signer.sign(orjson.dumps([id, at]), text)
        if len(receipt) > MAX_LENGTH:  # feedback would refuse it
            raise PayloadTooLargeError(f"the receipt of {rows} rows is too long; send fewer")
        answer = write(found, text, receipt)
        if (encodings := headers.get("accept-encoding")) is not None:
            answer = accepted(answer, encodings)
        if len(answer.body) > _SURELY_FITS and answer.size > MAX_ANSWER:
            raise PayloadTooLargeError(f"the answer to {rows} rows is too long; send fewer")
        return made(Outcome, (answer, rows, features, tracked, places, 0))

    def _run(self, features: Features) -> tuple[int, Read | None]:
        """Return how many rows these are, and what the model says of them if all is finite."""
        # Of few rows nothing becomes an array: that would take as long as the model does.
        if isinstance(features, bytes):
            rows, expected = self._few[len(features)]
            numbers = self._session.run_few(features)
            if len(numbers) != expected:
                raise PackageError(f"the model answers {rows} rows with {len(numbers)} numbers")
            return rows, self._reading.few(numbers)
        rows, scores = len(features), self._session.run(features)
        if scores.shape != (rows, self._outputs):
            raise PackageError(f"the model's answer has shape {scores.shape}")
        return rows, self._reading.many(scores)

    def _unanswerable(self, question: Question, rows: int) -> Outcome:
        """Refuse a question some of whose rows have no finite answer, and name those."""
        scores = self._session.run(as_matrix(question.features, rows))
        broken = np.flatnonzero(~finite(scores))
        rule = "the model has no finite answer to this row"
        problems = [Problem(int(row), "", rule) for row in broken[:20]]
        refused = question.refuse(InvalidRowsError(problems, len(broken)))
        return Outcome(refused, rows, question.features, invalid=len(broken))

    def _open_inference(self) -> PredictProtocol:
        # Imported for those who speak it: 10 ms that every other cold start is spared.
        from tidegate.serving.protocols.open_inference import OpenInferenceProtocol

        spoken = OpenInferenceProtocol(self._contract, self._encoder, self._served)
        self._protocols[OPEN_INFERENCE] = spoken
        return spoken
