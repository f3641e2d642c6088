"""Promotion: the same bytes, believed only as far as they are signed, resumed wherever it died."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.made import START, later, release
from tests.fakes.sides import (
    CODE,
    MODEL,
    PROJECT,
    DiedError,
    Fuse,
    House,
    package,
    sweep_after,
    train,
    zipped,
)
from tests.fakes.signer import FakeSigner
from tidegate.catalog import Catalog
from tidegate.errors import (
    DigestMismatchError,
    IntakeError,
    NotFoundError,
    RegistryConflictError,
    ReleaseRefusedError,
    RequestError,
    SignatureError,
)
from tidegate.package import keys
from tidegate.package.code_archive import code_digest
from tidegate.project import Project
from tidegate.registry import rows
from tidegate.registry.codec import encode
from tidegate.registry.commits import Act
from tidegate.registry.values import Event, Input, Signature, Version
from tidegate.release import authenticity
from tidegate.release.promotion import Promoted, Wanted, promote

EFFECTS = 12  # commits, objects and signatures of a promotion into an environment without the model
PACKAGE_STORED = 8  # of these, after its version was reserved


@pytest.fixture
def staging() -> House:
    house = House("staging", "1" * 12)
    house.train()
    return house


@pytest.fixture
def prod() -> House:
    return House("prod", "2" * 12)


def go(origin: House, target: House, number: int = 1, at: float = 100, **more: str) -> Promoted:
    wanted = Wanted(MODEL, number, **more)
    return promote(wanted, origin.side, target.side, at=later(at), actor="bob")


def plant(house: House, *records: Version | Signature | Input) -> None:
    """Put rows past the registry's rules, as a script with the table's name could."""
    for record in records:
        house.store.items[rows.row_of(record)] = encode(record)


def is_releasable(house: House, version: Version) -> None:
    authenticity.check(
        version,
        registry=house.registry,
        shelf=Catalog(house.registry, house.artifacts),
        verifier=house.signer,
    )


def lines(house: House, version: Version) -> list[dict[str, Any]]:
    assert version.origin is not None
    data = house.artifacts.get(version.origin.history)
    assert hashlib.sha256(data).hexdigest() == version.origin.history_digest
    return [json.loads(line) for line in data.splitlines()]


def test_the_same_bytes_become_the_targets_own_signed_version(staging: House, prod: House) -> None:
    prod.train(7)
    promoted = go(staging, prod, reason="two quiet weeks")
    found, source = promoted.version, staging.registry.version(MODEL, 1)
    assert (found.number, found.status, promoted.is_new) == (2, "approved", True)
    assert found.package_digest == source.package_digest
    key = keys.package_file(MODEL, found.package_digest)
    assert prod.artifacts.get(key) == staging.artifacts.get(key)
    assert (found.metrics, found.gates) == (source.metrics, source.gates)
    assert prod.registry.signature(MODEL, 2).key == prod.signer.key
    is_releasable(prod, found)
    told = prod.registry.newest_events(MODEL, 1)[0]
    assert (told.kind, told.actor, told.reason) == ("VersionPromoted", "bob", "two quiet weeks")
    assert prod.announcer.events[-1] == told


def model_of(house: House, version: Version) -> str:
    """Return the key of the one model that lies apart from its package."""
    (key,) = (key for key in house.artifacts.versions if key.endswith(".onnx"))
    assert version.package_digest in key
    return key


def test_a_model_that_lies_apart_comes_along_verified(staging: House, prod: House) -> None:
    key = model_of(staging, staging.train(2, apart=True))

    found = go(staging, prod, 2).version

    assert prod.artifacts.get(model_of(prod, found)) == staging.artifacts.get(key)
    is_releasable(prod, found)
    assert go(staging, prod, 2).version == found


@pytest.mark.parametrize("data", [b"other", b""], ids=["other bytes", "gone"])
def test_a_model_that_lies_apart_and_is_another_is_not_promoted(
    staging: House, prod: House, data: bytes
) -> None:
    key = model_of(staging, staging.train(2, apart=True))
    if data:
        staging.artifacts.put(key, data, overwrite=True)
    else:
        staging.artifacts.delete(key)
    with pytest.raises(DigestMismatchError, match=r"\.onnx"):
        go(staging, prod, 2)
    assert not [key for key in prod.artifacts.versions if key.startswith("packages/")]


def test_the_origin_is_named_with_the_signature_that_it_had_there(
    staging: House, prod: House
) -> None:
    origin = go(staging, prod).version.origin
    assert origin is not None
    assert (origin.env, origin.account, origin.version) == ("staging", "1" * 12, 1)
    stored = staging.registry.signature(MODEL, 1)
    assert (origin.key, origin.algorithm, origin.signature) == (
        stored.key,
        stored.algorithm,
        stored.value,
    )
    assert (origin.created, origin.created_by) == (later(1), "ann")


def test_history_and_evaluation_come_along(staging: House, prod: House) -> None:
    staging.registry.begin_release(
        replace(release("r-1", 1), model=MODEL), lease=later(60) - START, at=later(2)
    )
    staging.registry.note(MODEL, kind="Noted", act=_act(), subject="version:2")
    version = go(staging, prod).version
    first, *told = lines(prod, version)
    assert first["version"]["package_digest"] == version.package_digest
    assert "status" not in first["version"]
    assert {line["account"] for line in told} == {"1" * 12}
    kinds = [line["event"]["kind"] for line in told]
    assert kinds == ["VersionReserved", "VersionRegistered", "VersionApproved", "ReleaseStarted"]
    assert prod.artifacts.get(version.report) == staging.artifacts.get(
        staging.registry.version(MODEL, 1).report
    )


def _act() -> Act:
    return Act(later(3), "ann")


def test_a_version_promoted_twice_brings_the_whole_way_along(staging: House, prod: House) -> None:
    dev = House("dev", "0" * 12)
    dev.train(3)
    second = go(dev, staging).version
    third = go(staging, prod, second.number).version
    places = [line["env"] for line in lines(prod, third)]
    assert places == sorted(places)
    assert set(places) == {"dev", "staging"}
    is_releasable(prod, third)


def test_data_files_come_along_as_rows(staging: House, prod: House) -> None:
    number = go(staging, prod).version.number
    assert [replace(row, version=1) for row in prod.registry.inputs(MODEL, number)] == list(
        staging.registry.inputs(MODEL, 1)
    )


def test_a_target_without_the_model_gets_it_with_owner_code_and_declaration(
    staging: House, prod: House
) -> None:
    assert go(staging, prod).code_pushed
    assert prod.registry.meta(MODEL).owner == "harbour-team"
    assert Catalog(prod.registry, prod.artifacts).project(MODEL).to_json() == PROJECT.to_json()
    assert prod.artifacts.get(keys.code_archive(MODEL, code_digest(CODE))) == zipped(CODE)


def test_a_target_with_the_model_keeps_its_owner_and_its_code(staging: House, prod: House) -> None:
    prod.registry.ensure_model(MODEL, owner="prod-team", at=START, actor="eve")
    prod.registry.push_code(MODEL, digest="f" * 64, at=START, actor="eve")
    assert not go(staging, prod).code_pushed
    assert prod.registry.meta(MODEL).owner == "prod-team"
    assert Catalog(prod.registry, prod.artifacts).code_digest(MODEL) == "f" * 64


def test_a_declaration_that_is_not_in_the_code_is_not_brought_along(
    staging: House, prod: House
) -> None:
    key = keys.project_file(MODEL, code_digest(CODE))
    lax = replace(PROJECT, release=replace(PROJECT.release, without_evidence="promote"))
    staging.artifacts.put(key, lax.to_json(), overwrite=True)
    go(staging, prod)
    assert Project.from_json(prod.artifacts.get(key)).release.without_evidence == "rollback"


def test_promoting_again_gives_the_same_version_and_writes_nothing(
    staging: House, prod: House
) -> None:
    first = go(staging, prod).version
    staging.registry.note(MODEL, kind="Noted", act=_act(), subject="version:1")
    commits = prod.store.commits
    again = go(staging, prod, at=500, reason="once more")
    assert (again.version, again.is_new) == (first, False)
    assert prod.store.commits == commits
    assert len(prod.artifacts.versions[keys.package_file(MODEL, first.package_digest)]) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, EFFECTS + 1))
def test_a_promotion_that_died_goes_on(staging: House, prod: House, step: int, after: bool) -> None:
    fuse = Fuse(step, after)
    fuse.into(prod)
    with pytest.raises(DiedError):
        go(staging, prod)
    Fuse.out_of(prod)
    seen = prod.registry.versions(MODEL, 0) if MODEL in prod.registry.models() else ()
    for version in seen:
        if version.status != "pending":
            is_releasable(prod, version)  # what is visible is whole
    # The origin moves on meanwhile.
    staging.registry.note(MODEL, kind="Noted", act=_act(), subject="version:1")
    found = go(staging, prod, at=200)
    assert [v.number for v in prod.registry.versions(MODEL, 0)] == [1]
    assert found.version.status == "approved"
    is_releasable(prod, found.version)
    kinds = [event.kind for event in prod.registry.events(MODEL)]
    assert len(kinds) == len(set(kinds))
    assert kinds[-1] == "VersionPromoted"
    lines(prod, found.version)


def test_every_effect_of_a_promotion_is_interrupted_above(staging: House, prod: House) -> None:
    fuse = Fuse()
    fuse.into(prod)
    go(staging, prod)
    assert fuse.burnt == EFFECTS


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, EFFECTS + 1))
def test_a_promotion_that_died_goes_on_after_a_sweep(
    staging: House, prod: House, step: int, after: bool
) -> None:
    fuse = Fuse(step, after)
    fuse.into(prod)
    with pytest.raises(DiedError):
        go(staging, prod)
    Fuse.out_of(prod)
    sweep_after(prod, hours=2)
    found = go(staging, prod, at=9000)
    sweep_after(prod, hours=4)
    assert found.version.status == "approved"
    is_releasable(prod, found.version)
    assert go(staging, prod, at=20000).version == found.version


@pytest.mark.parametrize("step", range(1, EFFECTS + 1))
def test_a_sweep_between_any_two_steps_of_a_slow_promotion_breaks_nothing(
    staging: House, prod: House, step: int
) -> None:
    fuse = Fuse(step)
    fuse.pause = lambda: sweep_after(prod, hours=2)
    fuse.into(prod)
    with suppress(RegistryConflictError):  # given up; it says to repeat it
        go(staging, prod)
    Fuse.out_of(prod)
    found = go(staging, prod, at=9000)
    assert found.version.status == "approved"
    is_releasable(prod, found.version)


def test_a_promotion_that_was_given_up_meanwhile_says_to_repeat_it(
    staging: House, prod: House
) -> None:
    fuse = Fuse(PACKAGE_STORED)
    fuse.pause = lambda: sweep_after(prod, hours=2)
    fuse.into(prod)
    with pytest.raises(RegistryConflictError, match="repeat it"):
        go(staging, prod)


def test_people_who_promote_at_once_get_one_version(staging: House, prod: House) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: go(staging, prod, at=100 + n), range(8)))
    assert {promoted.version.number for promoted in found} == {1}
    kinds = [event.kind for event in prod.registry.events(MODEL)]
    assert len(kinds) == len(set(kinds))
    is_releasable(prod, prod.registry.version(MODEL, 1))


def test_nothing_is_written_where_it_comes_from(staging: House, prod: House) -> None:
    fuse = Fuse()
    fuse.into(staging)
    go(staging, prod)
    assert fuse.burnt == 0


def test_one_that_the_sweep_gave_up_is_promoted_under_the_next_number(
    staging: House, prod: House
) -> None:
    fuse = Fuse(PACKAGE_STORED)
    fuse.into(prod)
    with pytest.raises(DiedError):
        go(staging, prod)
    Fuse.out_of(prod)
    prod.registry.fail_version(MODEL, number=1, at=later(150), actor="sweep", reason="died")
    found = go(staging, prod, at=200)
    assert (found.version.number, found.version.status) == (2, "approved")
    assert go(staging, prod, at=300).version == found.version


def test_the_package_is_stored_anew_after_a_version_names_it(staging: House, prod: House) -> None:
    digest = staging.registry.version(MODEL, 1).package_digest
    prod.artifacts.put(keys.package_file(MODEL, digest), package(1))
    go(staging, prod)
    assert len(prod.artifacts.versions[keys.package_file(MODEL, digest)]) == 2


def test_a_twin_that_was_trained_in_the_target_is_named(staging: House, prod: House) -> None:
    prod.train(1)
    promoted = go(staging, prod)
    assert (promoted.version.number, promoted.twins) == (2, (1,))
    assert go(staging, prod).twins == (1,)


def test_the_parent_is_a_number_of_the_target_or_none(staging: House, prod: House) -> None:
    prod.train(5)  # so that numbers differ: version 1 of prod is no version 1 of staging
    staging.train(2, parent=1)
    assert go(staging, prod, 2).version.lineage.parent == 0
    staging.train(3, parent=1)
    first = go(staging, prod, 1).version
    assert go(staging, prod, 3).version.lineage.parent == first.number
    assert go(staging, prod, 2).version.lineage.parent == 0


def test_one_environment_is_not_both(staging: House) -> None:
    with pytest.raises(RequestError, match="staging"):
        go(staging, staging)


def test_the_same_name_in_another_account_is_another_environment(staging: House) -> None:
    assert go(staging, House("staging", "3" * 12)).version.number == 1


@pytest.mark.parametrize("status", ["pending", "failed", "quarantined", "candidate"])
def test_a_version_that_was_not_approved_is_refused(
    staging: House, prod: House, status: Any
) -> None:
    plant(staging, replace(staging.registry.version(MODEL, 1), status=status))
    with pytest.raises(ReleaseRefusedError, match=f"is {status}"):
        go(staging, prod)
    assert prod.registry.models() == ()
    assert prod.artifacts.versions == {}


@pytest.mark.parametrize("status", ["champion", "retired"])
def test_a_version_that_served_is_promoted(staging: House, prod: House, status: Any) -> None:
    plant(staging, replace(staging.registry.version(MODEL, 1), status=status))
    assert go(staging, prod).version.status == "approved"


def test_failed_gates_take_a_reason_on_both_sides(staging: House, prod: House) -> None:
    staging.train(2, passed=False)
    with pytest.raises(ReleaseRefusedError, match="override"):
        go(staging, prod, 2)
    assert go(staging, prod, 2, override="known hole").version.status == "approved"
    kinds = {event.kind: event.reason for event in prod.registry.events(MODEL)}
    assert kinds["VersionApproved"] == "known hole"


def test_what_was_overridden_at_the_origin_stays_a_candidate_in_the_target(
    staging: House, prod: House
) -> None:
    staging.train(2, passed=False)
    staging.registry.approve(MODEL, number=2, at=later(9), actor="ann", override="known hole")
    assert go(staging, prod, 2).version.status == "candidate"


def test_one_that_is_quarantined_in_the_target_stays_out(staging: House, prod: House) -> None:
    go(staging, prod)
    prod.registry.quarantine(MODEL, number=1, at=later(200), actor="eve", reason="wrong")
    with pytest.raises(ReleaseRefusedError, match="quarantined there"):
        go(staging, prod)


def _unsign(house: House) -> None:
    del house.store.items[rows.row(Signature, MODEL, "1")]


def _forge(house: House) -> None:
    house.signer._secret = FakeSigner()._secret


def _other_bytes(house: House) -> None:
    digest = house.registry.version(MODEL, 1).package_digest
    house.artifacts.put(keys.package_file(MODEL, digest), package(9), overwrite=True)


def _other_digest(house: House) -> None:
    other = hashlib.sha256(package(9)).hexdigest()
    house.artifacts.put(keys.package_file(MODEL, other), package(9))
    plant(house, replace(house.registry.version(MODEL, 1), package_digest=other))


def _other_code(house: House) -> None:
    files = CODE | {"train.py": b"import os\n"}
    house.artifacts.put(keys.code_archive(MODEL, code_digest(CODE)), zipped(files), overwrite=True)


def _other_code_digest(house: House) -> None:
    version = house.registry.version(MODEL, 1)
    plant(house, replace(version, lineage=replace(version.lineage, code_digest="e" * 64)))


def _other_report(house: House) -> None:
    house.artifacts.put(house.registry.version(MODEL, 1).report, b"{}", overwrite=True)


def _other_data(house: House) -> None:
    row = house.registry.inputs(MODEL, 1)[0]
    plant(house, replace(row, digest="9" * 64))


def _package_gone(house: House) -> None:
    digest = house.registry.version(MODEL, 1).package_digest
    house.artifacts.delete(keys.package_file(MODEL, digest))


def _code_gone(house: House) -> None:
    house.artifacts.delete(keys.code_archive(MODEL, code_digest(CODE)))


@pytest.mark.parametrize(
    ("harm", "error"),
    [
        (_unsign, SignatureError),
        (_forge, SignatureError),
        (_other_digest, SignatureError),
        (_other_bytes, DigestMismatchError),
        (_other_code, DigestMismatchError),
        (_other_code_digest, DigestMismatchError),
        (_other_report, DigestMismatchError),
        (_other_data, DigestMismatchError),
        (_package_gone, DigestMismatchError),
        (_code_gone, NotFoundError),
    ],
)
def test_what_is_not_what_was_signed_leaves_the_target_untouched(
    staging: House, prod: House, harm: Callable[[House], None], error: type[Exception]
) -> None:
    harm(staging)
    with pytest.raises(error):
        go(staging, prod)
    assert prod.registry.models() == ()
    assert prod.artifacts.versions == {}


def test_a_model_that_would_not_be_taken_in_is_refused_although_it_is_signed(
    staging: House, prod: House
) -> None:
    train(staging.side, 2, model_onnx=b"PK\x03\x04 a zip archive")
    with pytest.raises(IntakeError, match="zip archive"):
        go(staging, prod, 2)
    assert prod.registry.models() == ()


def test_code_that_declares_another_contract_than_the_package_has_is_refused(
    staging: House, prod: House
) -> None:
    declared = CODE["model.toml"].replace(b"maximum = 60", b"maximum = 61")
    train(staging.side, 2, code={**CODE, "model.toml": declared})
    with pytest.raises(DigestMismatchError, match="another contract"):
        go(staging, prod, 2)
    assert prod.registry.models() == ()


def test_a_planted_history_is_refused(staging: House, prod: House) -> None:
    go(staging, prod)
    key = next(key for key in prod.artifacts.versions if key.endswith("history.jsonl"))
    other = House("prod", "4" * 12)
    other.artifacts.put(key, b'{"event": {}}\n')
    with pytest.raises(DigestMismatchError, match="history"):
        go(staging, other)
    assert other.registry.versions(MODEL) == ()


def test_a_planted_evaluation_is_refused(staging: House, prod: House) -> None:
    go(staging, prod)
    key = next(key for key in prod.artifacts.versions if key.endswith("gates.json"))
    other = House("prod", "4" * 12)
    other.artifacts.put(key, b"{}")
    with pytest.raises(DigestMismatchError, match=r"gates\.json"):
        go(staging, other)


def test_a_key_that_cannot_sign_leaves_a_pending_version_that_is_completed_later(
    staging: House, prod: House
) -> None:
    prod.signer.usable = False
    with pytest.raises(SignatureError):
        go(staging, prod)
    assert [v.status for v in prod.registry.versions(MODEL)] == ["pending"]
    prod.signer.usable = True
    assert go(staging, prod).version.status == "approved"


def test_the_log_of_the_target_tells_the_origin(staging: House, prod: House) -> None:
    go(staging, prod)
    events: dict[str, Event] = {event.kind: event for event in prod.registry.events(MODEL)}
    registered = events["VersionRegistered"].evidence
    assert (registered["origin"], registered["origin_version"]) == ("111111111111/staging", 1)
