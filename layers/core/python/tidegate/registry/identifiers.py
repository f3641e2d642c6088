"""Ids of runs and releases: readable, in time order, valid as execution names and parts of keys.

Moment and suffix are arguments: the same cause gives the same id, so that duplicates fall together.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

LONGEST = 80  # of a Step Functions execution name


def run_id(model: str, at: datetime, suffix: str) -> str:
    """Return the id of a training run, which is also its execution's name.

    >>> run_id("flight-delay", datetime(2026, 11, 22, 22, tzinfo=UTC), "ab12")
    'flight-delay-20261122T220000-ab12'
    """
    return _bounded(model, f"{_moment(at)}-{suffix}")


def release_id(model: str, version: int, at: datetime, suffix: str) -> str:
    """Return the id of a release, which is also its execution's name.

    >>> release_id("flight-delay", 2, datetime(2026, 11, 22, 22, tzinfo=UTC), "ab12")
    'flight-delay-v2-20261122T220000-ab12'
    """
    return _bounded(model, f"v{version}-{_moment(at)}-{suffix}")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%S")


def _bounded(model: str, tail: str) -> str:
    room = LONGEST - len(tail) - 1
    if len(model) <= room:
        return f"{model}-{tail}"
    # Two long names may share a beginning, so a digest keeps them apart.
    digest = hashlib.sha256(model.encode()).hexdigest()[:6]
    return f"{model[: room - 7]}-{digest}-{tail}"
