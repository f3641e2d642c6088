"""Payloads: the same rows in every form that the handler and the peers read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from tidegate.contract import Column, Contract
from tidegate.scoring.session import Matrix

FORMS = ("records", "columns", "v2", "records, nulls")
Records = list[dict[str, Any]]
_NULL_SHARE = 0.02
_DATATYPES = {"float": "FP64", "integer": "INT64", "boolean": "BOOL", "category": "BYTES"}


@dataclass(frozen=True)
class Payload:
    """A body of so many rows, and the path that it is sent to."""

    form: str
    rows: int
    path: str
    body: bytes

    def event(self) -> dict[str, Any]:
        """Return it as API Gateway hands it to a function (HTTP API, payload format 2.0)."""
        return {
            "version": "2.0",
            "routeKey": f"POST {self.path}",
            "rawPath": self.path,
            "rawQueryString": "",
            "headers": {"content-type": "application/json", "accept": "*/*", "host": "127.0.0.1"},
            "requestContext": {
                "http": {"method": "POST", "path": self.path, "protocol": "HTTP/1.1"},
                "requestId": "JKJaXmPLvHcESHA=",
            },
            "body": self.body.decode(),
            "isBase64Encoded": False,
        }


def matrix_of(contract: Contract, rows: int, *, seed: int, nulls: float = 0.0) -> Matrix:
    """Return rows as the model sees them (rows, columns), a share of them null where allowed."""
    source = np.random.default_rng(seed)
    columns = [_values(column, rows, source, nulls) for column in contract.columns]
    return np.stack(columns, axis=1).astype(np.float32)


def records(contract: Contract, matrix: Matrix) -> Records:
    """Return a matrix as records of a request."""
    columns = [
        [_plain(value, column) for value in values]
        for column, values in zip(contract.columns, matrix.T.tolist(), strict=True)
    ]
    names = contract.column_names
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def payload(contract: Contract, form: str, rows: int, *, seed: int = 1) -> Payload:
    """Return so many rows in one of `FORMS`; the same rows in each of them but the last."""
    nulls = _NULL_SHARE if form == "records, nulls" else 0.0
    found = records(contract, matrix_of(contract, rows, seed=seed, nulls=nulls))
    path = f"/models/{contract.model}/predict"
    if form == "v2":
        path = f"/models/{contract.model}/v2/models/{contract.model}/infer"
    return Payload(form, rows, path, orjson.dumps(_content(contract, form, found)))


def _content(contract: Contract, form: str, found: Records) -> dict[str, Any]:
    if form.startswith("records"):
        return {"records": found}
    columns = {name: [row[name] for row in found] for name in contract.column_names}
    if form == "columns":
        return {"columns": columns}
    return {"inputs": [_tensor(column, columns) for column in contract.columns]}


def _tensor(column: Column, columns: Mapping[str, list[Any]]) -> dict[str, Any]:
    data = columns[column.name]
    datatype = _DATATYPES[column.type]
    return {"name": column.name, "shape": [len(data)], "datatype": datatype, "data": data}


def _values(column: Column, rows: int, source: np.random.Generator, nulls: float) -> Any:
    if column.type == "float":
        values = np.round(source.normal(size=rows), 4)
        empty = source.random(rows) < (nulls if column.nullable else 0.0)
        return np.where(empty, np.nan, values)
    if column.type == "category":
        return source.integers(len(column.categories), size=rows)
    return source.integers(2 if column.type == "boolean" else 24, size=rows)


def _plain(value: float, column: Column) -> Any:
    if math.isnan(value):
        return None
    if column.type == "category":
        return column.categories[int(value)]
    if column.type == "float":
        return round(value, 4)
    return bool(value) if column.type == "boolean" else int(value)
