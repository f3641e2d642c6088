"""Warm-up: one golden request on the whole path, so that no caller pays for what is done once."""

from __future__ import annotations

from tidegate.decoding import canonical_json
from tidegate.errors import PackageError, RequestError
from tidegate.package.manifest import GOLDEN, Golden
from tidegate.serving.predictor import Predictor


def warm_up(predictor: Predictor, golden: Golden) -> None:
    """Answer the first golden request and forget it.

    Raises `PackageError` when the package can't answer its own request.
    """
    body = canonical_json({"records": golden.records[:1]})
    try:
        answer = predictor.predict(body, id="warm-up", at=0).answer
    except RequestError as error:
        raise PackageError(f"{GOLDEN}: the contract refuses the first request: {error}") from None
    if answer.status != 200:
        raise PackageError(f"{GOLDEN}: the model has no finite answer to the first request")
