"""Who is typing: the name that the event log shows."""

from __future__ import annotations

import getpass
import os


def actor() -> str:
    """Return the person's name for the event log; TIDEGATE_ACTOR overrides it (for pipelines)."""
    given = os.environ.get("TIDEGATE_ACTOR", "").strip()
    if given:
        return given
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "unknown"
