"""Answers that were given: kept with the request's id, given again when the request comes again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from decimal import Decimal
from typing import Any, get_args

from tidegate.errors import CorruptRecordError, RequestError
from tidegate.registry import rows
from tidegate.registry.codec import changeable, decode, encode
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Record, Request

_KINDS: Mapping[str, type] = {kind.__name__: kind for kind in get_args(Record)}
_DECIMAL = "decimal"


def command_digest(*parts: object) -> str:
    """Return the SHA-256 (hex) of a command: its verb and what it was given."""
    plain = [_plain(part) for part in parts]
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()


def _plain(part: object) -> object:
    return asdict(part) if is_dataclass(part) and not isinstance(part, type) else part


def is_record(answer: object) -> bool:
    """Tell whether an answer is a record, and so one that can be given again."""
    return type(answer).__name__ in _KINDS


def with_answer(request: Request, answer: object) -> Request:
    """Return the request with what it was answered; only a record is an answer."""
    if not is_record(answer):
        return request
    record: Any = answer
    item = encode(record)
    kept = {name: item[name] for name in changeable(type(record)) if name in item}
    return replace(
        request,
        kind=type(record).__name__,
        key=rows.key_of(record),
        answer=json.dumps(kept, sort_keys=True, default=_tagged),
    )


def given_before(store: RegistryStore, request: Request, command: str) -> Any:  # noqa: ANN401  # of any kind
    """Return the answer of an earlier request; raise `RequestError` if it asked something else."""
    if request.command != command:
        raise RequestError(
            f"request {request.id!r} of {request.model!r} was answered before, and it asked for"
            " something else; use a new request id"
        )
    if not request.kind:
        return None
    kind = _KINDS[request.kind]
    stored: Any = store.read(kind, request.model, request.key)
    if stored is None:
        raise CorruptRecordError(f"request {request.id!r}: its answer is not in the registry")
    then = json.loads(request.answer, object_hook=_untagged)
    fixed = {k: v for k, v in encode(stored).items() if k not in changeable(kind)}
    return decode(kind, fixed | then)


def _tagged(value: Decimal) -> dict[str, str]:
    return {_DECIMAL: str(value)}


def _untagged(found: dict[str, Any]) -> Any:  # noqa: ANN401  # JSON
    kept = found.get(_DECIMAL) if len(found) == 1 else None
    return Decimal(kept) if isinstance(kept, str) else found
