"""Time as an argument: parse and print the one timestamp form, `2026-11-20T10:00:00.000Z`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present time in UTC; only wiring and handlers call it."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Print a moment, in UTC with milliseconds, so that text order is time order.

    >>> stamp(datetime(2026, 11, 20, 10, tzinfo=UTC))
    '2026-11-20T10:00:00.000Z'
    """
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )


def parse_stamp(text: str) -> datetime:
    """Read an ISO 8601 timestamp with a zone; raise `ValueError` on anything else.

    >>> parse_stamp("2026-11-20T10:00Z").hour
    10
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write e.g. 2026-11-20T10:00Z")
    return moment.astimezone(UTC)
