"""What a published function version serves, as its environment says."""

from __future__ import annotations

import math

from tidegate.errors import SettingsError
from tidegate.frozen import frozen
from tidegate.settings import Settings, env_name, is_model_name
from tidegate.windows.fields import is_identifier

_DIGITS = 15  # of a whole number that is exact in any JSON reader


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
        version = _whole(settings.version)
        if version < 1:
            raise SettingsError(
                f"{env_name('version')} must be a version number, of at most {_DIGITS} digits"
            )
        # What collect would refuse in every window.
        if not is_model_name(settings.model):
            raise SettingsError(f"{env_name('model')} must be a model's name")
        if not is_identifier(settings.release):
            rule = "must be at most 200 letters, digits, '.', '_' and '-'"
            raise SettingsError(f"{env_name('release')} {rule}")
        return cls(settings.model, version, settings.release)


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
    rows = _whole(settings.flush_rows)
    if rows < 1:
        raise SettingsError(
            f"{env_name('flush_rows')} must be a whole number >= 1, of at most {_DIGITS} digits"
        )
    return rows


def sample_share(settings: Settings) -> float:
    """Return the share of requests to sample; raise `SettingsError` unless it is in 0..1."""
    try:
        share = float(settings.sample_share)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise SettingsError(f"{env_name('sample_share')} must be a number from 0 to 1")
    return share


def _whole(text: str) -> int:
    """Return a whole number, or -1 where the text is none or has too many digits."""
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else -1
