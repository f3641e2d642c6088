"""What a published function version serves, as its environment says."""

from __future__ import annotations

import math

from tidegate.errors import SettingsError
from tidegate.frozen import frozen
from tidegate.settings import Settings, env_name


@frozen
class Served:
    """A model's version and the release that published it."""

    model: str
    version: int
    release: str

    @classmethod
    def of(cls, settings: Settings) -> Served:
        """Read settings; raise `SettingsError` naming the variable that is missing or wrong."""
        for name in ("model", "version", "release", "receipt_key"):
            if not getattr(settings, name):
                raise SettingsError(f"environment variable {env_name(name)} is not set")
        if not settings.version.isdecimal() or int(settings.version) < 1:
            raise SettingsError(f"{env_name('version')} must be a version number")
        return cls(settings.model, int(settings.version), settings.release)


def flush_seconds(settings: Settings) -> float:
    """Return how long a window stays open here; raise `SettingsError` unless it is >= 0.

    >>> flush_seconds(Settings("local", "1", "us-east-1", time_scale="0.5"))
    30.0
    """
    try:
        seconds = float(settings.flush_seconds) * float(settings.time_scale)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        names = f"{env_name('flush_seconds')} and {env_name('time_scale')}"
        raise SettingsError(f"{names} must be numbers >= 0")
    return seconds


def flush_rows(settings: Settings) -> int:
    """Return after how many rows a window is flushed; raise `SettingsError` unless it is >= 1."""
    if not settings.flush_rows.isdecimal() or int(settings.flush_rows) < 1:
        raise SettingsError(f"{env_name('flush_rows')} must be a whole number >= 1")
    return int(settings.flush_rows)


def sample_share(settings: Settings) -> float:
    """Return the share of requests to sample; raise `SettingsError` unless it is in 0..1."""
    try:
        share = float(settings.sample_share)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise SettingsError(f"{env_name('sample_share')} must be a number from 0 to 1")
    return share
