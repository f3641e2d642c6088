"""A point in time as people type it: `2026-11-20T10:00Z`, a day, `now` or an age like `2h ago`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from tidegate.clock import parse_stamp
from tidegate_cli.faults import InputError

FORMS = "write e.g. 2026-11-20T10:00Z (UTC), 2026-11-20T11:00+01:00, 2026-11-20, 2h ago, now"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_AGE = re.compile(r"(\d{1,6}) ?([smhdw])(?: ago)?")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str, *, now: datetime) -> datetime:
    """Return the moment in UTC; a day is its first moment in UTC.

    Raises `InputError` for other forms, for a time without a zone and for the future, of which
    nothing is known.

    >>> parse_moment("90m ago", now=datetime(2026, 11, 20, 10, tzinfo=UTC)).isoformat()
    '2026-11-20T08:30:00+00:00'
    """
    try:
        moment = _read(text.strip(), now)
    except (ValueError, OverflowError):
        raise InputError(f"{text!r} is no time", hint=FORMS) from None
    if moment is None:
        raise InputError(f"{text!r} does not say its time zone", hint=FORMS)
    if moment > now:
        hint = "leave --time out to see what serves now"
        raise InputError(f"{text!r} is in the future; nothing is known of it", hint=hint)
    return moment


def _read(text: str, now: datetime) -> datetime | None:
    """Return the moment; None for one without a zone, `ValueError` for what is no time."""
    if text == "now":
        return now
    age = _AGE.fullmatch(text)
    if age is not None:
        return now - timedelta(**{_UNIT[age[2]]: int(age[1])})
    if _DAY.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    if datetime.fromisoformat(text).tzinfo is None:
        return None
    return parse_stamp(text)
