"""Rules of the registry: names, version numbers, and which status may follow which."""

from __future__ import annotations

import re

from tidegate.errors import IllegalTransitionError, ReleaseRefusedError, RequestError
from tidegate.registry.values import Status, Version
from tidegate.settings import is_model_name

LARGEST_NUMBER = 99_999_999  # eight digits in the sort key
_KEY_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,255}")

MOVES: dict[Status, frozenset[Status]] = {
    "pending": frozenset({"candidate", "failed", "quarantined"}),
    "candidate": frozenset({"approved", "quarantined"}),
    "approved": frozenset({"champion", "quarantined"}),
    "champion": frozenset({"retired"}),  # to quarantine it, another one must serve first
    "retired": frozenset({"champion", "quarantined"}),
    "failed": frozenset({"quarantined"}),
    "quarantined": frozenset(),
}
RELEASABLE: frozenset[Status] = frozenset({"approved", "retired", "champion"})


def check_model_name(model: str) -> str:
    """Return `model` if it may name a model; raise `RequestError` otherwise."""
    if not is_model_name(model):
        raise RequestError(
            f"{model[:80]!r} is no model name: use a-z, 0-9 and -, at most 63 characters"
        )
    return model


def is_key_part(text: str) -> bool:
    """Tell whether `text` may be part of a sort key.

    >>> is_key_part("r-20261122T220000-ab12"), is_key_part("a#b")
    (True, False)
    """
    return _KEY_PART.fullmatch(text) is not None and ".." not in text


def next_number(model: str, counter: int) -> int:
    """Return the next version number; raise `RequestError` when the sort key has no digit left."""
    if counter >= LARGEST_NUMBER:
        raise RequestError(f"model {model!r} has used all {LARGEST_NUMBER} version numbers")
    return counter + 1


def check_move(version: Version, to: Status) -> None:
    """Raise `IllegalTransitionError` unless a version may go from its status to `to`."""
    if to not in MOVES[version.status]:
        allowed = ", ".join(sorted(MOVES[version.status])) or "nothing"
        raise IllegalTransitionError(
            f"version {version.number} of {version.model!r} is {version.status}"
            f" and can't become {to}; it can become {allowed}"
        )


def check_releasable(version: Version) -> None:
    """Raise `ReleaseRefusedError` unless the version's status lets it serve."""
    if version.status not in RELEASABLE:
        raise ReleaseRefusedError(
            f"version {version.number} of {version.model!r} is {version.status};"
            f" only a version that is {' or '.join(sorted(RELEASABLE))} can be released"
        )
