"""The registry: versions, pointers, releases, runs and the log of everything that happened.

Reads are consistent. Each command is one commit with one event; it decides on what it has just
read and, when another writer was faster, reads and decides again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tidegate.registry import releases, runs, versions
from tidegate.registry.announcer import Announcer
from tidegate.registry.commits import Act, Change, Commits, Evidence
from tidegate.registry.reading import Reading
from tidegate.registry.retries import Retries
from tidegate.registry.rules import check_model_name
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import (
    DriftReport,
    Meta,
    Pointer,
    Release,
    Run,
    RunState,
    Version,
    VersionDraft,
)


class Registry(Reading):
    """One door to everything that is recorded of an environment's models."""

    def __init__(
        self, store: RegistryStore, announcer: Announcer, *, retries: Retries | None = None
    ) -> None:
        """Work on `store`; tell `announcer` of each event after its commit."""
        super().__init__(store)
        self._commits = Commits(store, announcer, retries or Retries())

    # -- models and code

    def ensure_model(self, model: str, *, owner: str, at: datetime, actor: str) -> Meta:
        """Return the model's head; create it at first sight, and move it to another `owner`."""
        check_model_name(model)
        return versions.ensure_model(self._commits, model, owner, Act(at, actor))

    def push_code(
        self, model: str, *, digest: str, at: datetime, actor: str, evidence: Evidence | None = None
    ) -> Pointer:
        """Point `code` at the digest of the folder as pushed; the same again changes nothing."""
        return self._commits.apply(
            model,
            Act(at, actor),
            lambda _: versions.push_code(self._store, model, digest, at, evidence or {}),
        )

    # -- runs

    def start_run(self, run: Run, *, at: datetime) -> Run:
        """Record that a run began; the same run again changes nothing, a failed one reopens."""
        act = Act(at, run.actor, run.reason, run.id)
        return self._commits.apply(run.model, act, lambda _: runs.start(self._store, run))

    def finish_run(
        self,
        model: str,
        *,
        run: str,
        state: RunState,
        at: datetime,
        version: int = 0,
        error: str = "",
    ) -> Run:
        """Record how a run ended; once ended, it can't end otherwise (`IllegalTransitionError`)."""
        stored = self.run(model, run)
        end = runs.End(run=run, state=state, at=at, version=version, error=error)
        act = Act(at, stored.actor, error or stored.reason, run)
        return self._commits.apply(model, act, lambda _: runs.finish(self._store, model, end))

    # -- versions

    def register(
        self, model: str, draft: VersionDraft, *, at: datetime, actor: str, request_id: str
    ) -> Version:
        """Give a draft the next number; a `request_id` seen before gets the version it got then.

        The version is a candidate, and approved at once when all its gates passed.
        """
        act = Act(at, actor, f"run {draft.run}", request_id)
        version = self._commits.apply(
            model, act, lambda meta: versions.register(self._store, meta, draft, act)
        )
        if version.status != "candidate" or not version.gates_passed:
            return version
        return self.approve(model, number=version.number, at=at, actor=actor)

    def approve(
        self, model: str, *, number: int, at: datetime, actor: str, override: str = ""
    ) -> Version:
        """Let a candidate be released; one whose gates failed needs an `override` reason."""
        act = Act(at, actor, override or "all gates passed")
        return self._commits.apply(
            model, act, lambda _: versions.approve(self._store, model, number, override)
        )

    def quarantine(
        self, model: str, *, number: int, at: datetime, actor: str, reason: str
    ) -> Version:
        """Keep a version from being released; the champion must be replaced first."""
        return self._commits.apply(
            model,
            Act(at, actor, reason),
            lambda _: versions.quarantine(self._store, model, number, reason),
        )

    # -- releases

    def begin_release(self, release: Release, *, lease: timedelta, at: datetime) -> Release:
        """Take the lock and record the release; what serves now is remembered for the way back.

        Raises `LockHeldError` while another release's lease lasts, `ReleaseRefusedError` when the
        version's status does not allow it. A lock whose lease ended is taken over, with the next
        token.
        """
        act = Act(at, release.actor, release.reason, release.id)
        return self._commits.apply(
            release.model, act, lambda _: releases.begin(self._store, release, lease, at)
        )

    def check_fence(self, release: Release) -> Release:
        """Return the stored release; raise `FencedError` when it no longer holds the lock."""
        return releases.held(self._store, release)

    def advance_release(
        self, release: Release, *, kind: str, at: datetime, reason: str = ""
    ) -> Release:
        """Store a running release's state, renew its lease; `FencedError` when it lost the lock."""
        act = Act(at, release.actor, reason or release.reason, release.id)
        return self._commits.apply(
            release.model, act, lambda _: releases.advance(self._store, release, kind, at)
        )

    def finish_release(
        self, release: Release, *, at: datetime, quarantine: bool = False
    ) -> Release:
        """End a release in its `state` with its `outcome` and free the lock.

        Promoted: the version becomes champion, the old champion retires. Otherwise the version
        keeps its status, or is put into `quarantine` when it was found wrong.
        """
        act = Act(at, release.actor, release.outcome, release.id)
        return self._commits.apply(
            release.model,
            act,
            lambda _: releases.finish(self._store, release, at, quarantine=quarantine),
        )

    def move_champion(
        self, model: str, *, version: int, at: datetime, actor: str, reason: str
    ) -> Release:
        """Make a version champion that was champion before; return the release that published it.

        A release under way loses its lock and is recorded as failed.
        """
        return self._commits.apply(
            model,
            Act(at, actor, reason),
            lambda _: releases.move_champion(self._store, model, version, at),
        )

    # -- findings

    def report_drift(
        self, report: DriftReport, *, at: datetime, actor: str = "monitor"
    ) -> DriftReport:
        """Record what a look of the monitor found; the same look again changes nothing."""
        return self._commits.apply(
            report.model,
            Act(at, actor, request_id=report.id),
            lambda _: runs.report_drift(self._store, report),
        )

    def note(
        self,
        model: str,
        *,
        kind: str,
        act: Act,
        subject: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        """Log something that changed no record, e.g. a decision of the governor."""
        change = Change(None, kind=kind, subject=subject, evidence=evidence or {})
        self._commits.apply(model, act, lambda _: change)
