"""The protocol port: a body and its headers in, a question out; what was answered in, bytes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple, Protocol

from tidegate.errors import TidegateError
from tidegate.scoring.reading import Read
from tidegate.scoring.session import Features
from tidegate.serving.answers import Answer, refusal

# What was answered, its `shown` as a list in JSON, and the receipt (base64url).
Write = Callable[[Read, bytes, bytes], Answer]


class Question(NamedTuple):
    """What a body asks of the model, and how the asker wants answer and refusal written."""

    features: Features
    write: Write
    refuse: Callable[[TidegateError], Answer] = refusal


class PredictProtocol(Protocol):
    """One way to ask for predictions; `types` are the media types of a body, JSON's among them."""

    types: ClassVar[tuple[str, ...]]

    def read(self, body: bytes, headers: Mapping[str, str]) -> Question:
        """Read a body; header names are lower-case.

        Raises `RequestError`, `InvalidRowsError` or `PayloadTooLargeError` for what it refuses.
        """
        ...
