"""Promotion: a version of one environment becomes a version of another, with the same bytes.

check -> take and verify -> evidence -> reserve -> store -> sign -> approve

The target believes nothing that it can check: the signature by the key of the origin, the package
by its digest, its operators and its contract, the code and the data files by what the signed
package says of them. Then it gives the version its own next number and its own signature. The
request is named after what is promoted, so a promotion that died is repeated and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tidegate.errors import (
    IllegalTransitionError,
    RegistryConflictError,
    ReleaseRefusedError,
    RequestError,
)
from tidegate.package import keys
from tidegate.package.artifacts import Artifacts
from tidegate.package.whole import model_key
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act, Evidence
from tidegate.registry.signing import Signer
from tidegate.registry.values import Version, VersionDraft
from tidegate.release.origin_draft import APPROVED, DraftOfOrigin, origin_id, store_once
from tidegate.release.origin_history import Place
from tidegate.release.origin_package import Taken, take

PROMOTED = "VersionPromoted"
ALL = 0  # no limit


@dataclass(frozen=True)
class Side:
    """An environment: where it is, what it holds, and its key (the origin's only verifies)."""

    place: Place
    registry: Registry
    artifacts: Artifacts
    signer: Signer


@dataclass(frozen=True)
class Wanted:
    """What is asked for; a candidate whose gates failed takes a reason to `override` them."""

    model: str
    version: int
    reason: str = ""
    override: str = ""


@dataclass(frozen=True)
class Promoted:
    """The version in the target, and what a person should know of it."""

    version: Version
    is_new: bool  # False: it had been promoted before
    code_pushed: bool  # the target had no code of this model
    twins: tuple[int, ...]  # versions of the target with the same package


def promote(wanted: Wanted, origin: Side, target: Side, *, at: datetime, actor: str) -> Promoted:
    """Bring a version from `origin` to `target`; the same again gives the same version.

    Raises `RequestError` for one environment as both, `ReleaseRefusedError` when the version's
    status forbids it, `SignatureError`, `DigestMismatchError` or another `PackageError` when it is
    not what was signed there, `RegistryConflictError` when it took longer than a dead one may.
    """
    if origin.place == target.place:
        raise RequestError(f"{origin.place} can't be origin and target of one promotion")
    version = origin.registry.version(wanted.model, wanted.version)
    _check_status(version, wanted, origin.place)
    taken = take(version, origin.registry, origin.artifacts, origin.signer)
    known = _known(target.registry, version.model)
    request_id, before = _request(version, origin.place, known)
    if before is not None and before.status == "quarantined":
        raise ReleaseRefusedError(
            f"{_named(version, origin.place)} was promoted before, as version {before.number}"
            f" of {target.place}, and is quarantined there"
        )
    act = Act(at, actor, wanted.reason or f"promoted from {origin.place}", request_id)
    _ensure_model(origin.registry, target.registry, version.model, act)
    pushed = _bring_code(taken, version, target, act)
    promoted = before
    if promoted is None or promoted.status not in APPROVED:
        draft = DraftOfOrigin(version, taken, origin.place).draft(
            target.artifacts, origin.registry.events(version.model), known, before
        )
        promoted = _register(version.model, draft, taken, target, act)
        promoted = _override(promoted, wanted, target.registry, act)
    _tell(promoted, version, origin.place, target.registry, act)
    same = (one for one in known if one.package_digest == version.package_digest)
    return Promoted(
        version=promoted,
        is_new=before is None or before.status == "pending",
        code_pushed=pushed,
        twins=tuple(one.number for one in same if one.number != promoted.number),
    )


def _check_status(version: Version, wanted: Wanted, place: Place) -> None:
    if version.status in APPROVED or (version.status == "candidate" and wanted.override.strip()):
        return
    hint = ""
    if version.status == "candidate":
        hint = "; approve it there first, or give a reason to override its gates"
    raise ReleaseRefusedError(
        f"{_named(version, place)} is {version.status};"
        f" only a version that is {', '.join(APPROVED)} is promoted{hint}"
    )


def _known(registry: Registry, model: str) -> tuple[Version, ...]:
    return registry.versions(model, ALL) if model in registry.models() else ()


def _request(
    version: Version, place: Place, known: tuple[Version, ...]
) -> tuple[str, Version | None]:
    """Return the request's id and the version that answered it; one given up is not counted."""
    base = f"promote:{origin_id(version, place)}"
    answered = {one.request_id: one for one in known}
    request, attempt = base, 1
    while request in answered and answered[request].status == "failed":
        attempt += 1
        request = f"{base}:{attempt}"
    return request, answered.get(request)


def _ensure_model(origin: Registry, target: Registry, model: str, act: Act) -> None:
    """Create the model in the target, unless it is there: it keeps its owner then."""
    if model not in target.models():
        owner = origin.meta(model).owner
        target.ensure_model(model, owner=owner, at=act.at, actor=act.actor)


def _bring_code(taken: Taken, version: Version, target: Side, act: Act) -> bool:
    """Store the code; point the target at it if it has none, and return whether it had none."""
    model, lineage = version.model, version.lineage
    store_once(target.artifacts, keys.code_archive(model, lineage.code_digest), taken.code)
    declared = keys.project_file(model, lineage.code_digest)
    store_once(target.artifacts, declared, taken.project.to_json())
    if target.registry.pointer(model, "code") is not None:
        return False
    evidence: Evidence = {"git_commit": lineage.git_commit, "git_dirty": lineage.git_dirty}
    target.registry.push_code(
        model, digest=lineage.code_digest, at=act.at, actor=act.actor, evidence=evidence
    )
    return True


def _register(model: str, draft: VersionDraft, taken: Taken, target: Side, act: Act) -> Version:
    """Reserve the number, store the package, sign, approve; each step is done once.

    The package is stored after a version names it, and stored anew: so no sweep takes it for an
    orphan, neither these bytes nor those that may lie there.
    """
    at, actor, request_id = act.at, act.actor, act.request_id
    registry = target.registry
    number = registry.reserve(model, draft, at=at, actor=actor, request_id=request_id).number
    if registry.version(model, number).status == "pending":
        _store(model, draft.package_digest, taken, target.artifacts)
    try:
        return registry.register(
            model, draft, target.signer, at=at, actor=actor, request_id=request_id
        )
    except IllegalTransitionError as error:
        raise RegistryConflictError(
            f"the promotion took so long that version {number} of {model!r} was given up as dead in"
            f" {target.place}; repeat it, and it gets the next number"
        ) from error


def _store(model: str, digest: str, taken: Taken, artifacts: Artifacts) -> None:
    """Store the package, and before it the model if it lies apart: no package is without one."""
    content = taken.content
    if content.pointer:
        artifacts.put(model_key(content, content.pointer), content.model, overwrite=True)
    artifacts.put(keys.package_file(model, digest), taken.package, overwrite=True)


def _override(version: Version, wanted: Wanted, registry: Registry, act: Act) -> Version:
    override = wanted.override.strip()
    if version.status != "candidate" or not override:
        return version
    return registry.approve(
        version.model, number=version.number, at=act.at, actor=act.actor, override=override
    )


def _tell(promoted: Version, version: Version, place: Place, registry: Registry, act: Act) -> None:
    """Log who promoted it and why: what registering logs knows no reason."""
    evidence: Evidence = {"origin": str(place), "origin_version": version.number}
    subject = f"version:{promoted.number}"
    registry.note(version.model, kind=PROMOTED, act=act, subject=subject, evidence=evidence)


def _named(version: Version, place: Place) -> str:
    return f"version {version.number} of {version.model!r} in {place}"
