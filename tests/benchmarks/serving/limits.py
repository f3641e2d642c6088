"""The limit: the least code that parses a payload, converts it, runs the model and answers.

orjson -> numpy -> session -> orjson: it validates nothing, counts nothing and signs nothing. Each
step has several spellings, because which is fastest depends on the payload: a benchmark tries all
of them and keeps the fastest. Peers that leave reading and conversion to their user do both as they
are written by hand: row after row up to some rows and by column beyond (`answer`, `convert`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import orjson

Matrix = npt.NDArray[np.float32]
Weights = Mapping[str, Matrix]  # by the names of a model's tensors
Parse = Callable[[bytes], Any]
Convert = Callable[[Any], Matrix]
Spelling = Callable[[bytes], bytes]
NO_WEIGHTS: Weights = MappingProxyType({})
FEW = 10  # rows up to which it is faster to convert row after row
Rows = Sequence[Mapping[str, Any]]
Codes = Mapping[str, float] | None  # of a category column; numbers and booleans have none


class Limit:
    """One package's model, without a contract around it."""

    def __init__(self, folder: Path, weights: Weights = NO_WEIGHTS) -> None:
        """Open the model of the package in `folder`; `weights`, if any, are shared by others."""
        columns = json.loads((folder / "contract.json").read_bytes())["columns"]
        self.names: list[str] = [column["name"] for column in columns]
        self.codes: list[Codes] = [_codes(column) for column in columns]
        self.scores = _runs(open_session(folder / "model.onnx", weights))  # rows -> scores
        self._getter = itemgetter(*self.names)
        self._coded = [(j, codes) for j, codes in enumerate(self.codes) if codes is not None]
        self._plain = [j for j, codes in enumerate(self.codes) if codes is None]
        self._numbers = itemgetter(*(self.names[j] for j in self._plain))
        self._pairs = list(zip(self.names, self.codes, strict=True))

    def spellings(self, form: str) -> dict[str, Spelling]:
        """Return every way to answer a payload of this form, by name."""
        return {
            f"{way.__name__} {write.__name__}".replace("_", " ").strip(): _whole(
                parse, way, self.scores, write
            )
            for parse, way in self._forms()[form]
            for write in (as_list, as_array)
        }

    def answer(self, body: bytes) -> bytes:
        """Answer a body of records."""
        return as_array(self.scores(self.convert(_records(body))))

    def convert(self, rows: Rows) -> Matrix:
        """Convert records by the way that is fastest for so many, nulls or not."""
        return self.by_row(rows) if len(rows) < FEW else self.by_column(rows)

    def by_row(self, rows: Rows) -> Matrix:
        """Convert records row after row: the fastest way for one."""
        lists = []
        for row in rows:
            values = list(self._getter(row))
            for j, codes in self._coded:
                values[j] = codes[values[j]]
            lists.append(values)
        return np.array(lists, dtype=np.float32)

    def by_column(self, rows: Rows) -> Matrix:
        """Convert records, turned into columns first."""
        return self.fill(list(zip(*map(self._getter, rows), strict=True)))

    def by_kind(self, rows: Rows) -> Matrix:
        """Convert all numbers of records at once, then each category column."""
        matrix = np.empty((len(rows), len(self.names)), np.float32)
        numbers = chain.from_iterable(map(self._numbers, rows))
        count = len(rows) * len(self._plain)
        matrix[:, self._plain] = np.fromiter(numbers, np.float32, count).reshape(len(rows), -1)
        for j, codes in self._coded:
            name = self.names[j]
            matrix[:, j] = [codes[row[name]] for row in rows]
        return matrix

    def _columns(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        return self.fill(self._getter(columns))

    def _stacked(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        lists = [
            columns[name] if codes is None else list(map(codes.__getitem__, columns[name]))
            for name, codes in self._pairs
        ]
        return np.ascontiguousarray(np.array(lists, dtype=np.float32).T)

    def _forms(self) -> dict[str, list[tuple[Parse, Convert]]]:
        rows = (self.by_row, self.by_column)
        by_name = (self._columns, self._stacked)
        return {
            "records": [(_records, way) for way in (*rows, self.by_kind)],
            "records, nulls": [(_records, way) for way in rows],  # None is no number
            "columns": [(_named_columns, way) for way in by_name],
            "v2": [(_tensors, way) for way in by_name],
        }

    def fill(self, columns: Sequence[Sequence[Any]]) -> Matrix:
        """Convert columns in the contract's order."""
        matrix = np.empty((len(columns[0]), len(columns)), np.float32)
        for j, codes in enumerate(self.codes):
            column = columns[j]
            matrix[:, j] = column if codes is None else list(map(codes.__getitem__, column))
        return matrix


def open_session(model: Path, weights: Weights = NO_WEIGHTS) -> Any:
    """Open a session as a small function needs it: one thread, none that spins."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if weights:
        from tests.benchmarks.serving.shared_weights import into_limit  # no peer has what it needs

        into_limit(options, weights)
    return onnxruntime.InferenceSession(
        model.read_bytes(), options, providers=["CPUExecutionProvider"]
    )


def _runs(session: Any) -> Callable[[Matrix], Matrix]:
    def run(matrix: Matrix) -> Matrix:
        found: Matrix = session.run(["scores"], {"features": matrix})[0]
        return found

    return run


def as_list(scores: Matrix) -> bytes:
    """Write P(positive) by way of Python's floats."""
    return orjson.dumps({"predictions": scores[:, 1].tolist()})


def as_array(scores: Matrix) -> bytes:
    """Write P(positive) from the array itself."""
    positive = np.ascontiguousarray(scores[:, 1])
    return orjson.dumps({"predictions": positive}, option=orjson.OPT_SERIALIZE_NUMPY)


def _codes(column: Mapping[str, Any]) -> Codes:
    if column["type"] != "category":
        return None
    return {name: float(code) for code, name in enumerate(column["categories"])}


def _whole(
    parse: Parse,
    convert: Convert,
    run: Callable[[Matrix], Matrix],
    write: Callable[[Matrix], bytes],
) -> Spelling:
    return lambda body: write(run(convert(parse(body))))


def _records(body: bytes) -> Any:
    return orjson.loads(body)["records"]


def _named_columns(body: bytes) -> Any:
    return orjson.loads(body)["columns"]


def _tensors(body: bytes) -> Any:
    return {tensor["name"]: tensor["data"] for tensor in orjson.loads(body)["inputs"]}
