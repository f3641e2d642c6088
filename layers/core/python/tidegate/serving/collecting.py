"""Collect: a batch of log lines from a subscription -> windows for the ledger.

A line that is no window is counted and passed over: one bad line must not hold up the others.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any

from tidegate.errors import CorruptRecordError, RequestError
from tidegate.settings import Names
from tidegate.windows.codec import decode_line
from tidegate.windows.fields import is_identifier
from tidegate.windows.values import Window

MAX_BATCH = 64_000_000  # bytes unpacked; Lambda takes 6 MB packed


@dataclass(frozen=True)
class Collected:
    """The windows of a batch; `refused` says why a line was passed over, never what it held."""

    windows: tuple[Window, ...]
    refused: tuple[str, ...]


def collect(data: str, *, names: Names) -> Collected:
    """Read `awslogs.data` of a CloudWatch Logs subscription event.

    A window takes the id of its log event, so a batch that is delivered again stores nothing new.
    It must come from the log group of its model's endpoint: nobody else may speak for a model.
    Raises `RequestError` when the batch is none.
    """
    batch = _unpack(data)
    if batch.get("messageType") != "DATA_MESSAGE":  # CONTROL_MESSAGE: can you hear me?
        return Collected((), ())
    windows: list[Window] = []
    refused: list[str] = []
    for event in _events(batch):
        try:
            window = _window(event)
            if batch.get("logGroup") != names.log_group(names.endpoint(window.model)):
                raise CorruptRecordError("a window came from a log group that isn't its model's")
            windows.append(window)
        except CorruptRecordError as error:
            refused.append(str(error))
    return Collected(tuple(windows), tuple(refused))


def _events(batch: dict[str, Any]) -> list[object]:
    found = batch.get("logEvents")
    if not isinstance(found, list):
        raise RequestError("this is no batch of CloudWatch Logs")
    return found


def _window(event: object) -> Window:
    match event:
        case {"id": str(id), "message": str(text)} if is_identifier(id):
            return decode_line(text, id=id)
    raise CorruptRecordError("a log event lacks its text, or an id that may be part of a key")


def _unpack(data: str) -> dict[str, Any]:
    try:
        packed = base64.b64decode(data, validate=True)
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)  # gzip
        content = unpacker.decompress(packed, MAX_BATCH)
        batch = json.loads(content)
    except (zlib.error, ValueError, RecursionError):
        raise RequestError("this is no batch of CloudWatch Logs") from None
    if not isinstance(batch, dict):
        raise RequestError("this is no batch of CloudWatch Logs")
    return batch
