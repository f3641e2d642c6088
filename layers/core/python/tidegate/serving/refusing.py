"""Refusals in the form of the protocol that the path belongs to, also of a request not yet read."""

from __future__ import annotations

from tidegate.errors import TidegateError
from tidegate.serving.answers import Answer, failure, refusal


def refusal_to(event: object, error: TidegateError) -> Answer:
    """Return the answer to an error of ours."""
    if not _is_open_inference(event):
        return refusal(error)
    from tidegate.serving.protocols import open_inference

    return open_inference.refusal(error)


def failure_to(event: object) -> Answer:
    """Return the answer to an error that nobody foresaw."""
    if not _is_open_inference(event):
        return failure()
    from tidegate.serving.protocols import open_inference

    return open_inference.failure()


def _is_open_inference(event: object) -> bool:
    path = event.get("rawPath") if isinstance(event, dict) else None
    rest = path.partition("/models/")[2] if isinstance(path, str) else ""
    route = rest.partition("/")[2]
    if not route.startswith("v2"):
        return False
    from tidegate.serving.protocols.open_inference_metadata import speaks

    return speaks(route)
