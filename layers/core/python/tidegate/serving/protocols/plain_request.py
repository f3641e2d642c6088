"""Infer requests of the usual form, read without a step per element of their frame.

One tensor per column with its data in JSON, nothing else. Names and datatypes of a client's tensors
are looked at once and remembered: its next request has the same. Whatever is otherwise is left to
those who can say what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import astuple

from tidegate.contract import Contract
from tidegate.encoding.encoder import Encoder
from tidegate.encoding.occurrences import occurs
from tidegate.scoring.session import Features
from tidegate.serving.protocols.lengths import dense_from
from tidegate.serving.protocols.plain_tensors import MEMBERS, are_alike, has_fast_path, is_proven
from tidegate.serving.protocols.tensors import RANGES, TEXT, datatypes
from tidegate.serving.protocols.typed_request import TypedRequests

if TYPE_CHECKING:  # imported by the first long body
    from tidegate.encoding.json_arrays import Columns, JsonArrays

KNOWN_FORMS = 16  # that are remembered; a client has one


class _Tensor(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class _Inputs(msgspec.Struct, forbid_unknown_fields=True):
    inputs: list[_Tensor]


_read = msgspec.json.Decoder(_Inputs).decode
_members_of = itemgetter(*MEMBERS)


class _Form(NamedTuple):
    """Where each column stands among the tensors, and which need a look at their elements."""

    order: tuple[int, ...]
    checks: tuple[tuple[int, str], ...]  # position of a column, and the datatype it came in


class PlainRequests:
    """Reads what is plainly right for one contract."""

    def __init__(self, contract: Contract, encoder: Encoder) -> None:
        """Read columns by `encoder`."""
        self._contract, self._encoder = contract, encoder
        self._lists = 1 + 2 * len(contract.columns)  # of a whole request
        self._dense = dense_from(self._lists)
        self._typed: TypedRequests | None = TypedRequests(contract, encoder)
        self._forms: dict[tuple[Any, Any], _Form] = {}

    def read(self, body: bytes) -> Features | None:
        """Return the rows of a body in JSON, None when in doubt."""
        if len(body) >= self._dense:
            found = self._arrays.read(body, self._take, arrays=self._lists)
            if found is not None:
                return self._encoder.plainly(found.values, found.rows, typed=True)
        typed = self._typed
        features = typed.read(body) if typed else None
        if features is None and (features := self._in_any_order(body)) is not None:
            self._typed = None  # a client keeps to its form
        return features

    def _in_any_order(self, body: bytes) -> Features | None:
        try:
            members = zip(*map(astuple, _read(body).inputs), strict=True)
            placed = self._place(*members)
        except (msgspec.MsgspecError, RecursionError, TypeError, ValueError):  # it is otherwise
            return None
        # There are more colons than keys in a text, or after a repeated key.
        if placed is None or not occurs(body, b":", 1 + len(MEMBERS) * len(self._contract.columns)):
            return None
        form, columns = placed
        if all(_is_plain(columns[j], kind) for j, kind in form.checks):
            return self._encoder.plainly(columns, len(columns[0]))
        return None

    def _take(self, payload: Any) -> Columns | None:  # noqa: ANN401 - simdjson's object
        """Return the columns of a long body."""
        tensors = list(payload["inputs"])
        if len(payload) != 1 or set(map(len, tensors)) != {len(MEMBERS)}:
            return None
        names, kinds, shapes, data = zip(*map(_members_of, tensors), strict=True)
        shapes = tuple(shape.as_list() for shape in shapes)
        if set(map(type, chain.from_iterable(shapes))) != {int}:
            return None
        placed = self._place(names, kinds, shapes, data)
        if placed is None:
            return None
        form, arrays = placed
        columns = self._arrays.values(arrays, lists=[j for j, _ in form.checks])
        are_plain = all(_is_plain(columns.values[j], kind) for j, kind in form.checks)
        return columns if are_plain else None

    @cached_property
    def _arrays(self) -> JsonArrays:
        # Imported for who sends long tensors: 5 ms that every other cold start is spared.
        from tidegate.encoding.json_arrays import JsonArrays

        return JsonArrays(self._contract.columns)

    def _place(
        self,
        names: tuple[Any, ...],
        kinds: tuple[Any, ...],
        shapes: Sequence[list[int]],
        data: Sequence[Any],
    ) -> tuple[_Form, list[Any]] | None:
        """Return the tensors' form and their data in the contract's order, None when in doubt."""
        form = self._forms.get((names, kinds)) or self._look(names, kinds)
        if form is None:
            return None
        columns = [data[place] for place in form.order]
        rows = len(columns[0])
        if not are_alike(shapes, rows) or set(map(len, columns)) != {rows}:
            return None
        return form, columns

    def _look(self, names: tuple[Any, ...], kinds: tuple[Any, ...]) -> _Form | None:
        columns = self._contract.columns
        if sorted(names) != sorted(column.name for column in columns):
            return None
        order = tuple(names.index(column.name) for column in columns)
        asked = [kinds[place] for place in order]
        if any(
            kind not in datatypes(column) or not has_fast_path(kind, column)
            for kind, column in zip(asked, columns, strict=True)
        ):
            return None
        checks = tuple(
            (place, kind)
            for place, (kind, column) in enumerate(zip(asked, columns, strict=True))
            if not is_proven(kind, column)
        )
        form = _Form(order, checks)
        if len(self._forms) < KNOWN_FORMS:
            self._forms[names, kinds] = form
        return form


def _is_plain(data: list[Any], kind: str) -> bool:
    """Tell whether every element is one of the datatype, and none stands for null."""
    if kind == TEXT:
        return "" not in data
    low, high = RANGES[kind]
    return set(map(type, data)) == {int} and low <= min(data) and max(data) <= high
