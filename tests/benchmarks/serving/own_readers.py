"""The limit with the handler's own readers of long bodies: what is left is what it does beside.

The limit reads by orjson and converts by numpy, as anybody would. Whoever wants to know what
validation, receipt and window cost compares the handler with this instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from struct import Struct
from typing import Any

import msgspec
import numpy as np
from simdjson import Parser

from tests.benchmarks.serving.limits import Limit, Matrix, Spelling, as_array
from tidegate.encoding.encoder import SMALL
from tidegate.serving.protocols.lengths import LONG, dense_from

Parts = Callable[[bytes], Matrix]
_KINDS: Mapping[str, Any] = {
    "boolean": bool | None,
    "category": str,
    "float": float | None,
    "integer": int | None,
}


class OwnReaders:
    """One package's model, asked for what long bodies hold."""

    def __init__(self, folder: Path, limit: Limit) -> None:
        """Ask the session of `limit`, which opened the unpacked package in `folder`."""
        columns = json.loads((folder / "contract.json").read_bytes())["columns"]
        self._limit, self._types = limit, [column["type"] for column in columns]
        self._records, self._parse = self._typed(), Parser().parse

    def spelling(self, form: str, rows: int, body: bytes) -> Spelling | None:
        """Return how bodies like this are answered, None for few rows: those stay what they are."""
        if rows < SMALL:
            return None
        count = len(self._types)
        ways: Mapping[str, tuple[bool, Parts]] = {
            "records": (len(body) >= LONG, self._of_records),
            "records, nulls": (len(body) >= LONG, self._of_records),
            "columns": (len(body) >= dense_from(count), self._of_columns),
            "v2": (len(body) >= dense_from(1 + 2 * count), self._of_tensors),
        }
        is_long, read = ways[form]
        return (lambda one: as_array(self._limit.scores(read(one)))) if is_long else None

    def _of_records(self, body: bytes) -> Matrix:
        rows = self._records(body).records
        return self._limit.fill(list(zip(*map(msgspec.structs.astuple, rows), strict=True)))

    def _of_columns(self, body: bytes) -> Matrix:
        return self._buffers(self._parse(body)["columns"])  # type: ignore[index]

    def _of_tensors(self, body: bytes) -> Matrix:
        inputs: Any = self._parse(body)["inputs"]  # type: ignore[index]
        return self._buffers({one["name"]: one["data"] for one in inputs})

    def _buffers(self, columns: Any) -> Matrix:
        rows = len(columns[self._limit.names[0]])
        pack = Struct(f"{rows}d").pack
        parts: list[Any] = []
        kinds = zip(self._limit.names, self._types, self._limit.codes, strict=True)
        for name, kind, codes in kinds:
            array = columns[name]
            if codes is not None:
                parts.append(pack(*map(codes.__getitem__, array.as_list())))
            elif kind == "boolean":
                parts.append(pack(*array.as_list()))
            else:
                parts.append(array.as_buffer(of_type="d"))
        found = np.frombuffer(b"".join(parts)).reshape(len(parts), rows)
        return found.T.astype(np.float32, order="C")

    def _typed(self) -> Callable[[bytes], Any]:
        fields = [(f"c{i}", _KINDS[kind]) for i, kind in enumerate(self._types)]
        names = {f"c{i}": name for i, name in enumerate(self._limit.names)}
        row = msgspec.defstruct("Row", fields, rename=names, gc=False)
        body = msgspec.defstruct("Body", [("records", list[row])])  # type: ignore[valid-type]
        return msgspec.json.Decoder(body).decode
