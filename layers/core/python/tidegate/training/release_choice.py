"""Whether a version goes on to a release by itself, and under which id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tidegate.registry.identifiers import release_id
from tidegate.registry.values import Run, Version


@dataclass(frozen=True)
class ReleaseChoice:
    """To release or not, and the release's id (the same for a step that is retried)."""

    release: bool = False
    release_id: str = ""


NO_RELEASE = ReleaseChoice()


def choose_release(version: Version, run: Run, *, wanted: bool, automatic: bool) -> ReleaseChoice:
    """Release what may be released when the order wants it and the project says `automatic`."""
    if not (wanted and automatic and version.status in ("approved", "retired")):
        return NO_RELEASE
    # Time and suffix come from the run: the same run gives the same release.
    suffix = hashlib.sha256(run.id.encode()).hexdigest()[:4]
    name = release_id(version.model, version.number, run.started, suffix)
    return ReleaseChoice(release=True, release_id=name)
