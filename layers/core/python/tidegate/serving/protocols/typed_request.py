"""Infer requests whose tensors stand in the contract's order, read right into its types.

Names, datatypes and each element's type are looked at by msgspec, while it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any, Literal

import msgspec
from msgspec.structs import astuple

from tidegate.contract import Column, Contract
from tidegate.encoding.encoder import Encoder
from tidegate.encoding.fast import rows_of
from tidegate.encoding.occurrences import occurs
from tidegate.encoding.typed import type_of
from tidegate.scoring.session import Features
from tidegate.serving.protocols.plain_tensors import MEMBERS, are_alike, has_fast_path, is_proven
from tidegate.serving.protocols.tensors import datatypes


class TypedRequests:
    """Reads what is plainly right for one contract."""

    def __init__(self, contract: Contract, encoder: Encoder) -> None:
        """Read rows by `encoder`."""
        self._columns, self._encoder = contract.columns, encoder
        self._names = contract.column_names
        self._colons = 1 + len(MEMBERS) * len(self._names)

    def read(self, body: bytes) -> Features | None:
        """Return the rows of a body in JSON, None when in doubt."""
        decode = self._decode
        if decode is None:
            return None
        try:
            tensors = decode(body).inputs
            names, _, shapes, data = zip(*map(astuple, tensors))  # noqa: B905 - of four each
            rows = rows_of(data)
        except (msgspec.MsgspecError, ValueError):  # no UTF-8, or they are not equally long
            return None
        # There are more colons than keys in a text, or after a repeated key.
        if (
            names != self._names
            or not are_alike(shapes, len(rows))
            or not occurs(body, b":", self._colons)
        ):
            return None
        return self._encoder.typed_rows(rows)

    @cached_property
    def _decode(self) -> Callable[[bytes], Any] | None:
        """Read the contract's tensors; None when values of some column need a closer look."""
        kinds = [_proven(column) for column in self._columns]
        if not all(kinds):
            return None
        # Bounds are looked at later: with them hardly two columns would share a type.
        elements = [type_of(column) for column in self._columns]
        tensors = [_tensor(self._names, *of) for of in zip(kinds, elements, strict=True)]
        inputs = tuple[tuple(tensors)]  # type: ignore[misc, valid-type]
        body = msgspec.defstruct("Inputs", [("inputs", inputs)], forbid_unknown_fields=True)
        return msgspec.json.Decoder(body).decode


def _proven(column: Column) -> tuple[str, ...]:
    """Return the datatypes in which each value that the column takes is allowed."""
    return tuple(k for k in datatypes(column) if has_fast_path(k, column) and is_proven(k, column))


@cache
def _tensor(names: tuple[str, ...], kinds: tuple[str, ...], element: Any) -> Any:  # noqa: ANN401
    # Names of a known set are not made anew for each request, and compared by identity.
    types: Sequence[Any] = (Literal[names], Literal[kinds], list[int], list[element])
    fields = list(zip(MEMBERS, types, strict=True))
    return msgspec.defstruct("Tensor", fields, forbid_unknown_fields=True, gc=False)
