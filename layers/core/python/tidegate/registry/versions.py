"""Decisions on models, code and versions; each returns what to write, on rows just read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tidegate.errors import NotFoundError, RegistryConflictError, ReleaseRefusedError
from tidegate.registry.commits import Act, Change, Commits, Evidence
from tidegate.registry.rules import check_move, next_number
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Meta, Pointer, Request, Version, VersionDraft


def ensure_model(commits: Commits, model: str, owner: str, act: Act) -> Meta:
    """Create META at first sight; loses a race gracefully, for then the model is there."""
    meta = commits.store.read(Meta, model)
    if meta is None:
        new = Meta(model, owner)
        change = Change(replace(new, rev=1), "ModelCreated", (new,), f"model:{model}")
        try:
            return commits.write(new, act, change)
        except RegistryConflictError:
            pass  # somebody else created it just now
    return commits.apply(model, act, lambda seen: _own(seen, owner))


def _own(meta: Meta, owner: str) -> Change[Meta]:
    if meta.owner == owner:
        return Change(meta)
    moved = replace(meta, owner=owner)
    evidence: Evidence = {"owner": owner, "previous_owner": meta.owner}
    answer = replace(moved, rev=meta.rev + 1)
    return Change(answer, "OwnerChanged", (moved,), f"model:{meta.model}", evidence=evidence)


def push_code(
    store: RegistryStore, model: str, digest: str, at: datetime, evidence: Evidence
) -> Change[Pointer]:
    """Move the `code` pointer."""
    old = store.read(Pointer, model, "code")
    if old is not None and old.target == digest:
        return Change(old)
    pointer = moved(old, Pointer(model, "code", digest, 0, at))
    return Change(pointer, "CodePushed", (pointer,), f"code:{digest[:12]}", evidence=evidence)


def moved(old: Pointer | None, new: Pointer) -> Pointer:
    """Return the new pointer with the next revision."""
    return replace(new, rev=old.rev + 1 if old is not None else 1)


def register(store: RegistryStore, meta: Meta, draft: VersionDraft, act: Act) -> Change[Version]:
    """Give the draft the next number, or find the version that the request got before."""
    answered = store.read(Request, meta.model, act.request_id)
    if answered is not None:
        return Change(find(store, meta.model, int(answered.subject.removeprefix("version:"))))
    number = next_number(meta.model, meta.counter)
    version = Version(
        model=meta.model,
        number=number,
        status="candidate",
        package_digest=draft.package_digest,
        package_size=draft.package_size,
        contract_digest=draft.contract_digest,
        created=act.at,
        created_by=act.actor,
        run=draft.run,
        lineage=draft.lineage,
        metrics=draft.metrics,
        gates=draft.gates,
        holdout_shift=draft.holdout_shift,
        request_id=act.request_id,
    )
    subject = f"version:{number}"
    request = Request(meta.model, act.request_id, subject, act.at)
    head = replace(meta, counter=number)
    evidence: Evidence = {
        "package": draft.package_digest,
        "gates_passed": version.gates_passed,
        "run": draft.run,
    }
    return Change(
        version, "VersionRegistered", (head, version, request), subject, evidence=evidence
    )


def find(store: RegistryStore, model: str, number: int) -> Version:
    """Return one version or raise `NotFoundError`."""
    version = store.read(Version, model, str(number))
    if version is None:
        raise NotFoundError(f"model {model!r} has no version {number}")
    return version


def approve(store: RegistryStore, model: str, number: int, override: str) -> Change[Version]:
    """Let a candidate be released; again for one that was approved changes nothing."""
    version = find(store, model, number)
    if version.status in ("approved", "champion", "retired"):
        return Change(version)
    check_move(version, "approved")
    if not version.gates_passed and not override.strip():
        failed = ", ".join(gate.reason or gate.metric for gate in version.gates if not gate.passed)
        raise ReleaseRefusedError(
            f"version {number} of {model!r} failed its gates ({failed});"
            " approving it takes a reason (override)"
        )
    by_hand = bool(override.strip())
    approved = replace(version, status="approved")
    evidence: Evidence = {"override": by_hand, "gates_passed": version.gates_passed}
    subject = f"version:{number}"
    return Change(approved, "VersionApproved", (approved,), subject, evidence=evidence)


def quarantine(store: RegistryStore, model: str, number: int, reason: str) -> Change[Version]:
    """Take a version out of circulation; again for one that is out changes nothing."""
    version = find(store, model, number)
    if version.status == "quarantined":
        return Change(version)
    check_move(version, "quarantined")
    out = replace(version, status="quarantined")
    evidence: Evidence = {"status_before": version.status}
    return Change(
        out, "VersionQuarantined", (out,), f"version:{number}", reason=reason, evidence=evidence
    )
