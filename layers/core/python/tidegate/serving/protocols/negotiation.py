"""Content negotiation: the media type of a body, and whether to answer in gzip.

`accept` is not looked at: there is one form of answer per route.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import lru_cache

from tidegate.errors import UnsupportedMediaTypeError
from tidegate.serving.answers import Answer
from tidegate.serving.content_coding import BINARY_TYPE, CODINGS, GZIP

WORTH = 1024  # bytes: a shorter answer fits one packet either way
FAST = 1  # zlib's level: the caller waits for the processor longer than for the bytes saved


def check_types(headers: Mapping[str, str], types: tuple[str, ...]) -> None:
    """Raise `UnsupportedMediaTypeError` unless a body's content type is one of `types`, or none."""
    if (kind := headers.get("content-type")) is not None:
        # API Gateway hands over a body of a text type as text, which breaks gzip.
        packed = "content-encoding" in headers
        check_type(kind, (*types, BINARY_TYPE) if packed else types)


def check_type(kind: str, types: tuple[str, ...]) -> None:
    """Raise `UnsupportedMediaTypeError` unless a content type is one of `types`, in UTF-8.

    >>> check_type("application/json; charset=UTF-8", ("application/json",))
    """
    name, *parameters = (part.strip().lower() for part in str(kind).split(";"))
    if name not in types:
        told = " or ".join(dict.fromkeys(types))
        raise UnsupportedMediaTypeError(f"the content type must be {told}")
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key == "charset" and value.strip('"') not in ("utf-8", "us-ascii"):
            raise UnsupportedMediaTypeError("the body's charset must be utf-8")


@lru_cache(maxsize=64)
def takes_gzip(accepted: str) -> bool:
    """Tell whether an Accept-Encoding allows gzip and doesn't prefer the plain answer.

    >>> [takes_gzip(text) for text in ("gzip, br", "gzip;q=0", "*", "identity, gzip;q=0.5")]
    [True, False, True, False]
    """
    weights = dict(map(_weighed, accepted.lower().split(",")))
    ours = next((weights[coding] for coding in (*CODINGS, "*") if coding in weights), 0.0)
    return ours > 0 and ours >= weights.get("identity", 0.0)


def _weighed(choice: str) -> tuple[str, float]:
    name, _, parameter = choice.partition(";")
    key, _, value = parameter.partition("=")
    if key.strip() != "q":
        return name.strip(), 1.0
    try:
        return name.strip(), float(value)
    except ValueError:
        return name.strip(), 0.0


def accepted(answer: Answer, encodings: object) -> Answer:
    """Return an answer as somebody takes it who sent these Accept-Encoding."""
    return compressed(answer) if takes_gzip(str(encodings)) else answer


def compressed(answer: Answer) -> Answer:
    """Return the answer in gzip when it is long and gzip makes it shorter, also for Lambda."""
    if len(answer.body) <= WORTH:
        return answer
    packer = zlib.compressobj(FAST, zlib.DEFLATED, GZIP)
    body = packer.compress(answer.body) + packer.flush()
    headers = {**answer.headers, "content-encoding": "gzip", "vary": "accept-encoding"}
    packed = answer._replace(body=body, headers=headers, binary=True)
    return packed if packed.size < answer.size else answer
