"""The draft of a version that comes from elsewhere: its evidence is copied, its origin is named.

The same version gives the same draft, whenever and however often it is made: the history that an
earlier attempt stored stays, and so does the parent that it found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from tidegate.errors import DigestMismatchError, ObjectExistsError
from tidegate.package import keys
from tidegate.package.artifacts import Artifacts
from tidegate.registry.values import Event, Origin, Version, VersionDraft
from tidegate.release.origin_history import Place, history_of
from tidegate.release.origin_package import Taken

APPROVED = ("approved", "champion", "retired")  # a version's statuses after its approval


def origin_id(version: Version, place: Place) -> str:
    """Return what names the thing promoted: where it is, its number and its package."""
    where = f"{place.account}.{place.region}.{place.env}"
    return f"{where}.v{version.number}.{version.package_digest[:16]}"


def store_once(artifacts: Artifacts, key: str, data: bytes) -> None:
    """Store an object that equal content gives an equal key; one that is there stays."""
    with suppress(ObjectExistsError):  # by an earlier attempt, or pushed from a checkout
        artifacts.put(key, data)


@dataclass(frozen=True)
class DraftOfOrigin:
    """A version of `place` as a draft for another environment."""

    version: Version
    taken: Taken
    place: Place

    def draft(
        self,
        artifacts: Artifacts,
        events: Iterable[Event],
        known: tuple[Version, ...],
        before: Version | None,
    ) -> VersionDraft:
        """Store history and evaluation in the target's bucket and return the draft.

        `known` are the target's versions, `before` the one that an earlier attempt reserved.
        Raises `DigestMismatchError` when another history lies at its key.
        """
        version = self.version
        parent = before.lineage.parent if before is not None else self._parent(known)
        report = self._store_report(artifacts)
        return VersionDraft(
            package_digest=version.package_digest,
            package_size=version.package_size,
            contract_digest=version.contract_digest,
            run=version.run,
            lineage=replace(version.lineage, parent=parent),
            metrics=version.metrics,
            gates=version.gates,
            holdout_shift=version.holdout_shift,
            inputs=self.taken.files,
            report=report,
            report_digest=version.report_digest if report else "",
            origin=self._origin(self._store_history(artifacts, events)),
        )

    def _parent(self, known: tuple[Version, ...]) -> int:
        """Return the number that the origin's champion of then has in the target; 0 if it has none.

        The judge allows for what the holdout showed against this champion, so a number of the
        origin's would make it allow for the difference to another model.
        """
        parent = (self.place, self.version.lineage.parent)
        approved = (one for one in known if one.status in APPROVED)
        found = [one.number for one in approved if one.origin and _where(one.origin) == parent]
        return max(found, default=0)

    def _origin(self, history: bytes) -> Origin:
        version, signature = self.version, self.taken.signature
        return Origin(
            env=self.place.env,
            account=self.place.account,
            region=self.place.region,
            version=version.number,
            package_digest=version.package_digest,
            created=version.created,
            created_by=version.created_by,
            key=signature.key,
            algorithm=signature.algorithm,
            signature=signature.value,
            history=self._history_key,
            history_digest=hashlib.sha256(history).hexdigest(),
        )

    @property
    def _history_key(self) -> str:
        return keys.origin_history(self.version.model, origin_id(self.version, self.place))

    def _store_history(self, artifacts: Artifacts, events: Iterable[Event]) -> bytes:
        """Store the history, or return what an earlier attempt stored: its beginning, or refused.

        What is stored is returned, and its digest becomes part of the draft.
        """
        told = self.taken.history + history_of(self.place, self.version, events)
        try:
            artifacts.put(self._history_key, told)
        except ObjectExistsError:
            stored = artifacts.get(self._history_key)
            if stored and told.startswith(stored):
                return stored
            raise DigestMismatchError(
                f"{artifacts.uri(self._history_key)} tells another history than {self.place} does;"
                " find out who wrote it, and remove it"
            ) from None
        return told

    def _store_report(self, artifacts: Artifacts) -> str:
        """Store the evaluation and return its key; empty when the version has none."""
        if not self.taken.report:
            return ""
        key = keys.origin_report(self.version.model, origin_id(self.version, self.place))
        store_once(artifacts, key, self.taken.report)
        if artifacts.get(key) != self.taken.report:
            raise DigestMismatchError(
                f"{artifacts.uri(key)} is another evaluation than {self.place} has;"
                " find out who wrote it, and remove it"
            )
        return key


def _where(origin: Origin) -> tuple[Place, int]:
    return Place(origin.env, origin.account, origin.region), origin.version
