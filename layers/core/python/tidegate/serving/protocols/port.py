"""The protocol port: a body and its headers in, a question out; what was answered in, bytes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from tidegate.errors import TidegateError
from tidegate.scoring.session import Features
from tidegate.serving.answers import Answer, refusal


class Answered(NamedTuple):
    """What the model answered, checked and finite.

    `shown` are the scores as they are told, row after row: binary P(positive) only, multiclass one
    per class, regression the value. `labels` holds one name per row, nothing for a regression.
    """

    labels: tuple[str, ...]
    shown: list[float]
    text: bytes  # `shown` as a list in JSON
    receipt: bytes  # base64url and a dot


class Question(NamedTuple):
    """What a body asks of the model, and how the asker wants answer and refusal written."""

    features: Features
    write: Callable[[Answered], Answer]
    refuse: Callable[[TidegateError], Answer] = refusal


class PredictProtocol(Protocol):
    """One way to ask for predictions."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> Question:
        """Read a body; header names are lower-case.

        Raises `RequestError`, `InvalidRowsError` or `PayloadTooLargeError` for what it refuses.
        """
        ...
