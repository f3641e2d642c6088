"""Content codings of a body: gzip is inflated to at most so many bytes, whatever it claims.

Standard library only, as `requests` is.
"""

from __future__ import annotations

import zlib

from tidegate.errors import PayloadTooLargeError, RequestError, UnsupportedMediaTypeError

JSON_TYPE, BINARY_TYPE = "application/json", "application/octet-stream"
CODINGS = ("gzip", "x-gzip")
GZIP = 31  # zlib's window bits for gzip with its header and checksum
GZIP_MEMBERS = 64  # each costs a copy of what follows it
_NO_GZIP = (
    "the body is said to be gzip and is not; send it without a content type, or as "
    f"{BINARY_TYPE}: as a text type it does not arrive whole"
)


def decode(body: bytes, coding: str, *, limit: int) -> bytes:
    """Undo a content coding: gzip, or identity.

    Raises `UnsupportedMediaTypeError` for another, `RequestError` when the body isn't what it is
    said to be, `PayloadTooLargeError` above `limit` bytes.
    """
    name = str(coding).strip().lower()
    if name in ("", "identity"):
        return body
    if name not in CODINGS:
        raise UnsupportedMediaTypeError("the content encoding must be gzip or identity")
    return inflate(body, limit=limit)


def inflate(body: bytes, *, limit: int) -> bytes:
    """Return what a gzip file of one or more members holds; raises as `decode` does."""
    found = bytearray()
    for _ in range(GZIP_MEMBERS):
        member = zlib.decompressobj(GZIP)
        try:
            # One byte more than allowed tells a long body, and is all that a bomb gets.
            found += member.decompress(body, limit + 1 - len(found))
        except zlib.error:
            raise RequestError(_NO_GZIP) from None
        if len(found) > limit:
            raise PayloadTooLargeError(f"the body may have at most {limit} bytes once inflated")
        if not member.eof:
            raise RequestError("the body's gzip data end too early")
        if not member.unused_data:
            return bytes(found)
        body = member.unused_data
    raise RequestError(f"the body may have at most {GZIP_MEMBERS} gzip members")
