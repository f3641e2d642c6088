"""A model with three versions, an endpoint and a shelf: what release steps work on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.made import START, draft, later, lineage, registry
from tests.fakes.signer import FakeSigner
from tests.fakes.traffic import FakeTraffic
from tidegate.contract import Column, Contract, Target
from tidegate.errors import DigestMismatchError
from tidegate.package.archive import Package
from tidegate.package.manifest import Golden, Manifest
from tidegate.project import (
    GovernorPolicy,
    Holdout,
    MonitorPolicy,
    Project,
    ReleasePolicy,
    Serving,
    Training,
)
from tidegate.registry.book import Registry
from tidegate.release import controller
from tidegate.release.controller import House
from tidegate.release.progress import Progress
from tidegate.windows.values import Bins, ColumnReference, Counts, Reference

CONTRACT = Contract(
    model="iris",
    task="binary",
    columns=(Column("hour", "float"),),
    target=Target("late", ("no", "yes")),
)
SCORE = ColumnReference(Bins(edges=(0.5,)), Counts((5, 5)), centers=(0.2, 0.8), scale=0.3)
GOLDEN = Golden(records=({"hour": 1.0}, {"hour": 2.0}), scores=((0.9, 0.1), (0.2, 0.8)))


@dataclass
class FakeShelf:
    policy: ReleasePolicy = field(default_factory=ReleasePolicy)
    golden: Golden = GOLDEN
    contract: Contract = CONTRACT
    broken: bool = False

    def project(self, model: str) -> Project:
        return Project(
            root=Path(),
            contract=replace(self.contract, model=model),
            owner="ann",
            contact="ann@example.org",
            cost_center="1",
            description="",
            holdout=Holdout(),
            training=Training(),
            gates=(),
            serving=Serving(),
            release=self.policy,
            monitor=MonitorPolicy(),
            governor=GovernorPolicy(),
        )

    def package(self, model: str, digest: str) -> Package:
        if self.broken:
            raise DigestMismatchError(f"package {digest} is not what it was")
        return Package(
            digest=digest,
            model=b"",
            contract=self.contract,
            reference=Reference({}, SCORE, {}, {}, 1),
            golden=self.golden,
            manifest=Manifest(model, {}, lineage(), {}),
            card="",
        )

    def check_model(self, package: Package) -> None:
        assert package.pointer is None

    def package_uri(self, model: str, digest: str) -> str:
        return f"s3://bucket/packages/{model}/{digest}.zip"


def honest(env: Mapping[str, str], payload: bytes) -> bytes:
    """Answer as the endpoint does, from its own environment."""
    event = json.loads(payload)
    assert event["probe"] == "golden"
    assert event["rawPath"] == "/models/iris/predict"
    scores = {1.0: 0.1, 2.0: 0.8}
    shown = [scores[record["hour"]] for record in json.loads(event["body"])["records"]]
    body = {
        "model": "iris",
        "version": int(env["TIDEGATE_VERSION"]),
        "release": env["TIDEGATE_RELEASE"],
        "predictions": [{"label": "yes" if s >= 0.5 else "no", "score": s} for s in shown],
    }
    return json.dumps({"statusCode": 200, "body": json.dumps(body)}).encode()


@dataclass
class Scene:
    registry: Registry
    announcer: FakeAnnouncer
    traffic: FakeTraffic
    shelf: FakeShelf
    signer: FakeSigner
    house: House

    def begin(self, version: int, release: str, at: float = 0.0) -> Progress:
        wish = Progress(model="iris", version=version, release=release, actor="ann")
        return controller.begin(wish, self.house, later(at))

    def published(self, version: int, release: str) -> Progress:
        return controller.publish(self.begin(version, release), self.house, START)

    def promote(self, version: int, release: str) -> Progress:
        progress = controller.verify(self.published(version, release), self.house, START)
        return controller.finish(progress, self.house, later(1))

    def champion(self) -> tuple[int, str]:
        found = self.registry.champion("iris")
        return (found.number if found else 0), self.traffic.now.function_version

    def is_free(self) -> bool:
        lock = self.registry.lock("iris")
        return lock is None or lock.holder == ""


def three_versions(contract: Contract = CONTRACT) -> Scene:
    """Register versions 1 to 3, all approved, the endpoint at its seed."""
    (book, announcer), signer = registry(), FakeSigner()
    for i in range(3):
        made = replace(draft("abc"[i]), contract_digest=contract.digest)
        book.register("iris", made, signer, at=START, actor="t", request_id=f"run-{i}")
    traffic, shelf = FakeTraffic(answer=honest), FakeShelf(contract=contract)
    house = House(book, traffic, shelf, signer)
    return Scene(book, announcer, traffic, shelf, signer, house)
