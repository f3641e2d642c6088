"""Decisions on models, code and versions; each returns what to write, on rows just read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tidegate.errors import (
    NotFoundError,
    RegistryConflictError,
    ReleaseRefusedError,
    RequestError,
)
from tidegate.registry import inputs
from tidegate.registry.commits import Act, Change, Command, Commits, Evidence
from tidegate.registry.rows import key_of
from tidegate.registry.rules import check_move, next_number
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Input, Meta, Pointer, Record, Signature, Version, VersionDraft


def ensure_model(commits: Commits, model: str, owner: str, act: Act) -> Meta:
    """Create META at first sight; loses a race gracefully, for then the model is there."""
    command = Command("ensure_model", (owner,))
    meta = commits.store.read(Meta, model)
    if meta is None:
        new = Meta(model, owner)
        change = Change(new, "ModelCreated", (new,), f"model:{model}")
        try:
            return commits.write(new, command, act, change)
        except RegistryConflictError:
            pass  # somebody else created it just now
    return commits.apply(model, command, act, lambda seen: _own(seen, owner))


def _own(meta: Meta, owner: str) -> Change[Meta]:
    if meta.owner == owner:
        return Change(meta)
    moved = replace(meta, owner=owner)
    evidence: Evidence = {"owner": owner, "previous_owner": meta.owner}
    return Change(moved, "OwnerChanged", (moved,), f"model:{meta.model}", evidence=evidence)


def push_code(
    store: RegistryStore, meta: Meta, digest: str, at: datetime, evidence: Evidence
) -> Change[Pointer]:
    """Move the `code` pointer."""
    model = meta.model
    old = store.read(Pointer, model, "code")
    if old is not None and old.target == digest:
        return Change(old)
    pointer = moved(old, Pointer(model, "code", digest, 0, at, event=meta.rev + 1))
    return Change(pointer, "CodePushed", (pointer,), f"code:{digest[:12]}", evidence=evidence)


def moved(old: Pointer | None, new: Pointer) -> Pointer:
    """Return the new pointer with the next revision."""
    return replace(new, rev=old.rev + 1 if old is not None else 1)


def reserve(meta: Meta, draft: VersionDraft, act: Act) -> Change[Version]:
    """Give the draft the next number, and write down the first of what it was made from."""
    number = next_number(meta.model, meta.counter)
    version = Version(
        model=meta.model,
        number=number,
        status="pending",
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
        report=draft.report,
        report_digest=draft.report_digest,
        origin=draft.origin,
        files=len(draft.inputs),
    )
    head = replace(meta, counter=number)
    records: tuple[Record, ...] = (head, version, *inputs.chunk(version, draft.inputs, 0))
    return _told(version, "VersionReserved", records)


def record_inputs(
    store: RegistryStore, model: str, number: int, draft: VersionDraft, index: int
) -> Change[None]:
    """Write down the next chunk of what a pending version was made from, once."""
    version = find(store, model, number)
    rows = inputs.chunk(version, draft.inputs, index)
    if version.status != "pending" or store.read(Input, model, key_of(rows[0])) is not None:
        return Change(None)
    evidence: Evidence = {"first": rows[0].index, "last": rows[-1].index}
    return Change(None, "InputsRecorded", rows, f"version:{number}", evidence=evidence)


def complete(
    store: RegistryStore, model: str, number: int, signature: Signature
) -> Change[Version]:
    """Turn a pending version into a candidate, with the signature that it will be released by."""
    version = find(store, model, number)
    if version.status not in ("pending", "failed"):
        return Change(version)
    check_move(version, "candidate")
    if (signature.model, signature.version) != (model, number):
        raise RequestError(
            f"the signature is of version {signature.version} of {signature.model!r},"
            f" not of version {number} of {model!r}"
        )
    if version.files and store.read(Input, model, inputs.last_key(version)) is None:
        raise RequestError(
            f"version {number} of {model!r}: not all of its {version.files} data files are recorded"
        )
    candidate = replace(version, status="candidate")
    return _told(candidate, "VersionRegistered", (candidate, signature))


def fail(store: RegistryStore, model: str, number: int) -> Change[Version]:
    """Give a pending version up; its number stays used."""
    version = find(store, model, number)
    if version.status != "pending":
        return Change(version)
    failed = replace(version, status="failed")
    return Change(failed, "VersionFailed", (failed,), f"version:{number}")


def _told(version: Version, kind: str, records: tuple[Record, ...]) -> Change[Version]:
    evidence: Evidence = {
        "package": version.package_digest,
        "gates_passed": version.gates_passed,
        "run": version.run,
        "report": version.report,
        "report_digest": version.report_digest,
    }
    if version.origin is not None:
        evidence["origin"] = f"{version.origin.account}/{version.origin.env}"
        evidence["origin_version"] = version.origin.version
    return Change(version, kind, records, f"version:{version.number}", evidence=evidence)


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
