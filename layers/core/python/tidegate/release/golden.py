"""Golden requests: what the package promises, asked of the published function version."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tidegate.contract import Contract
from tidegate.errors import ReleaseRefusedError
from tidegate.package.archive import Package
from tidegate.registry.values import Release
from tidegate.release.ports import Traffic
from tidegate.release.requests import Call, http_event

Scores = tuple[float, ...]


def check(traffic: Traffic, release: Release, package: Package, *, at: datetime) -> None:
    """Raise `ReleaseRefusedError` naming the first golden row that is answered otherwise."""
    golden, contract = package.golden, package.contract
    if not golden.records:
        raise ReleaseRefusedError(f"version {release.version}: its package has no golden requests")
    for first in range(0, len(golden.records), contract.max_rows):
        rows = golden.records[first : first + contract.max_rows]
        answer = _ask(traffic, release, rows, first, at)
        _check_identity(answer, release)
        predictions = answer.get("predictions")
        if not isinstance(predictions, list) or len(predictions) != len(rows):
            raise ReleaseRefusedError(
                f"golden rows {first}-{first + len(rows) - 1}: {len(rows)} predictions expected"
            )
        for row, prediction in enumerate(predictions, start=first):
            problem = _difference(contract, golden.scores[row], prediction, golden.tolerance)
            if problem:
                raise ReleaseRefusedError(f"golden row {row}: {problem}")


def _ask(
    traffic: Traffic, release: Release, rows: tuple[dict[str, Any], ...], first: int, at: datetime
) -> dict[str, Any]:
    """Send rows as an HTTP API would; a marked probe, so that the windows don't count it."""
    call = Call(
        method="POST",
        route="/models/{name}/predict",
        parameters={"name": release.model},
        body=json.dumps({"records": list(rows)}, allow_nan=False),
        request_id=f"{release.id}-golden-{first}",
    )
    event = {**http_event(call, at=at), "probe": "golden"}
    raw = traffic.invoke(release.function_version, json.dumps(event).encode())
    response = _object(raw, "the endpoint's answer")
    if response.get("statusCode") != 200:
        body = str(response.get("body", ""))[:300]
        raise ReleaseRefusedError(
            f"golden rows from {first}: status {response.get('statusCode')}: {body}"
        )
    return _object(str(response.get("body", "")).encode(), "the answer's body")


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise ReleaseRefusedError(f"golden requests: {what} is not JSON") from error
    if not isinstance(value, dict):
        raise ReleaseRefusedError(f"golden requests: {what} is not a JSON object")
    return value


def _check_identity(answer: dict[str, Any], release: Release) -> None:
    """Refuse a function version that was published with other settings than this release's."""
    said = (str(answer.get("version")), answer.get("release"))
    if said != (str(release.version), release.id):
        raise ReleaseRefusedError(
            f"function version {release.function_version} says it is version {said[0]} of release"
            f" {said[1]!r}, not version {release.version} of {release.id!r}"
        )


def _difference(contract: Contract, wanted: Scores, prediction: object, tolerance: float) -> str:
    """Return what differs between a prediction and its golden scores, or ''."""
    if not isinstance(prediction, dict):
        return "the prediction is not a JSON object"
    expected = _answer(contract, wanted)
    found = list(_scores(contract, prediction))
    if len(found) != len(expected):
        return f"{len(expected)} score(s) expected, found {len(found)}"
    for score, value in zip(found, expected, strict=True):
        if not math.isfinite(score) or abs(score - value) > tolerance * max(1.0, abs(value)):
            return f"score {score:.6g} differs from {value:.6g} by more than {tolerance:g}"
    label = _sure_label(contract, wanted, tolerance)
    if label and prediction.get("label") != label:
        return f"label {prediction.get('label')!r} instead of {label!r}"
    return ""


def _answer(contract: Contract, wanted: Scores) -> Scores:
    """Return the scores as an answer shows them: binary shows P(positive) only."""
    return wanted[-1:] if contract.task == "binary" else wanted


def _scores(contract: Contract, prediction: dict[str, Any]) -> Iterator[float]:
    key = {"binary": "score", "multiclass": "scores", "regression": "value"}[contract.task]
    shown = prediction.get(key)
    if isinstance(shown, dict):
        shown = [shown.get(name) for name in contract.target.classes]
    for value in shown if isinstance(shown, list) else [shown]:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield float(value)
        else:
            yield math.nan


def _sure_label(contract: Contract, wanted: Scores, tolerance: float) -> str:
    """Return the label if the scores are clear of a tie by more than the tolerance, else ''."""
    classes = contract.target.classes
    if contract.task == "binary":
        margin = wanted[-1] - contract.threshold
        return classes[int(margin >= 0)] if abs(margin) > tolerance else ""
    if contract.task == "regression":
        return ""
    second, first = sorted(wanted)[-2:]
    return classes[wanted.index(first)] if first - second > 2 * tolerance else ""
