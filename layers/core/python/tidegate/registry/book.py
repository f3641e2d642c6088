"""The registry: versions, pointers, releases, runs and the log of everything that happened.

Reads are consistent. Each command is one commit with one event; it decides on what it has just
read and, when another writer was faster, reads and decides again. A command that is repeated with
its `request_id` gives the answer that it gave, and does nothing; one that finds nothing to do
writes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tidegate.registry import releases, runs, versions
from tidegate.registry.commits import Act, Change, Command, Evidence
from tidegate.registry.registering import Registering
from tidegate.registry.rules import check_model_name
from tidegate.registry.values import DriftReport, Meta, Pointer, Release, Run, RunState


class Registry(Registering):
    """One door to everything that is recorded of an environment's models."""

    # -- models and code

    def ensure_model(
        self, model: str, *, owner: str, at: datetime, actor: str, request_id: str = ""
    ) -> Meta:
        """Return the model's head; create it at first sight, and move it to another `owner`."""
        check_model_name(model)
        act = Act(at, actor, request_id=request_id)
        return versions.ensure_model(self._commits, model, owner, act)

    def push_code(
        self,
        model: str,
        *,
        digest: str,
        at: datetime,
        actor: str,
        evidence: Evidence | None = None,
        request_id: str = "",
    ) -> Pointer:
        """Point `code` at the digest of the folder as pushed; the same again changes nothing."""
        return self._do(
            model,
            Command("push_code", (digest,)),
            Act(at, actor, request_id=request_id),
            lambda meta: versions.push_code(self._store, meta, digest, at, evidence or {}),
        )

    # -- runs

    def start_run(self, run: Run, *, at: datetime, request_id: str = "") -> Run:
        """Record that a run began; the same run again changes nothing, a failed one reopens."""
        return self._do(
            run.model,
            Command("start_run", (run.id,)),
            Act(at, run.actor, run.reason, request_id),
            lambda _: runs.start(self._store, run),
        )

    def finish_run(  # noqa: PLR0913 - all of them are how it ended
        self,
        model: str,
        *,
        run: str,
        state: RunState,
        at: datetime,
        version: int = 0,
        error: str = "",
        actor: str = "",
    ) -> Run:
        """Record how a run ended; once ended, it can't end otherwise (`IllegalTransitionError`).

        The `actor` is whoever ended it, if that was not the run itself.
        """
        stored = self.run(model, run)
        end = runs.End(run=run, state=state, at=at, version=version, error=error)
        return self._do(
            model,
            Command("finish_run", (run, state, version, error)),
            Act(at, actor or stored.actor, error or stored.reason),
            lambda _: runs.finish(self._store, model, end),
        )

    # -- releases

    def begin_release(
        self, release: Release, *, lease: timedelta, at: datetime, request_id: str = ""
    ) -> Release:
        """Take the lock and record the release; what serves now is remembered for the way back.

        Raises `LockHeldError` while another release's lease lasts, `ReleaseRefusedError` when the
        version's status does not allow it. A lock whose lease ended is taken over, with the next
        token.
        """
        return self._do(
            release.model,
            Command("begin_release", (release.id, release.version)),
            Act(at, release.actor, release.reason, request_id),
            lambda _: releases.begin(self._store, release, lease, at),
        )

    def check_fence(self, release: Release) -> Release:
        """Return the stored release; raise `FencedError` when it no longer holds the lock."""
        return releases.held(self._store, release)

    def advance_release(
        self, release: Release, *, kind: str, at: datetime, reason: str = "", request_id: str = ""
    ) -> Release:
        """Store a running release's state, renew its lease; `FencedError` when it lost the lock."""
        return self._do(
            release.model,
            Command("advance_release", (release, kind)),
            Act(at, release.actor, reason or release.reason, request_id),
            lambda _: releases.advance(self._store, release, kind, at),
        )

    def finish_release(
        self, release: Release, *, at: datetime, quarantine: bool = False, request_id: str = ""
    ) -> Release:
        """End a release in its `state` with its `outcome` and free the lock.

        Promoted: the version becomes champion, the old champion retires. Otherwise the version
        keeps its status, or is put into `quarantine` when it was found wrong.
        """
        return self._do(
            release.model,
            Command("finish_release", (release.id, release.state, quarantine)),
            Act(at, release.actor, release.outcome, request_id),
            lambda _: releases.finish(self._store, release, at, quarantine=quarantine),
        )

    def abandon_release(
        self,
        model: str,
        *,
        release: str,
        at: datetime,
        actor: str,
        reason: str,
        request_id: str = "",
    ) -> Release:
        """End a release whose workflow died as failed, and take its lock away.

        Raises `LockHeldError` while its lease lasts: it may live. One that has ended is returned as
        it is.
        """
        return self._do(
            model,
            Command("abandon_release", (release,)),
            Act(at, actor, reason, request_id),
            lambda _: releases.abandon(self._store, model, release, at, reason),
        )

    def move_champion(
        self,
        model: str,
        *,
        version: int,
        at: datetime,
        actor: str,
        reason: str,
        request_id: str = "",
    ) -> Release:
        """Make a version champion that was champion before; return the release that published it.

        A release under way loses its lock and is recorded as failed.
        """
        return self._do(
            model,
            Command("move_champion", (version, reason)),
            Act(at, actor, reason, request_id),
            lambda _: releases.move_champion(self._store, model, version, at),
        )

    # -- findings

    def report_drift(
        self, report: DriftReport, *, at: datetime, actor: str = "monitor", request_id: str = ""
    ) -> DriftReport:
        """Record what a look of the monitor found; the same look again changes nothing."""
        return self._do(
            report.model,
            Command("report_drift", (report.id,)),
            Act(at, actor, request_id=request_id),
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
        self._do(model, Command("note", (kind, subject)), act, lambda _: change)
