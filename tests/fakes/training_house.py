"""An environment in memory with one model pushed, and what its training job would leave behind."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.registry_store import FakeRegistryStore
from tests.fakes.signer import FakeSigner
from tidegate.catalog import Catalog
from tidegate.contract import Contract
from tidegate.package import keys
from tidegate.project import (
    Gate,
    GovernorPolicy,
    Holdout,
    MonitorPolicy,
    Project,
    ReleasePolicy,
    Serving,
    Training,
)
from tidegate.registry.book import Registry
from tidegate.settings import Settings
from tidegate.training.house import House

NOW = datetime(2026, 11, 22, 22, tzinfo=UTC)
CODE = "c" * 64
SETTINGS = Settings(
    env="dev",
    account="123456789012",
    region="eu-west-1",
    training_image="python:3.13-slim",
    framework_uri="s3://assets/f00d.zip",
)


def project_of(contract: Contract) -> Project:
    return Project(
        root=Path(),
        contract=contract,
        owner="team",
        contact="team@example.com",
        cost_center="cc-1",
        description="A sample.",
        holdout=Holdout("random", fraction=0.25),
        training=Training(params={"trees": 10, "rate": 0.1}),
        gates=(Gate("auc", minimum=0.6, max_regression=0.02),),
        serving=Serving(),
        release=ReleasePolicy(),
        monitor=MonitorPolicy(),
        governor=GovernorPolicy(),
    )


@dataclass
class TrainingHouse:
    """`House` over fakes, with code and data of one model in place."""

    project: Project
    artifacts: MemoryArtifacts = field(default_factory=MemoryArtifacts)
    store: FakeRegistryStore = field(default_factory=FakeRegistryStore)
    signer: FakeSigner = field(default_factory=FakeSigner)

    def __post_init__(self) -> None:
        self.registry = Registry(self.store, FakeAnnouncer())
        name = self.project.name
        self.registry.ensure_model(name, owner="team", at=NOW, actor="test")
        self.push_code(CODE)

    @property
    def house(self) -> House:
        return House(Catalog(registry=self.registry, artifacts=self.artifacts), SETTINGS)

    def push_code(self, digest: str) -> None:
        name = self.project.name
        self.artifacts.put(keys.project_file(name, digest), self.project.to_json(), overwrite=True)
        evidence = {"git_commit": f"commit-of-{digest[0]}", "git_dirty": True}
        self.registry.push_code(name, digest=digest, at=NOW, actor="test", evidence=evidence)

    def push_data(self, file: str, data: bytes = b"a,b\n1,2\n") -> None:
        self.artifacts.put(keys.data_file(self.project.name, file), data, overwrite=True)

    def leave_output(self, run: str, *, job: str, files: dict[str, bytes]) -> None:
        key = keys.job_output(self.project.name, run, job)
        self.artifacts.put(key, tar_of(files), overwrite=True)

    def with_project(self, **changes: object) -> None:
        self.project = replace(self.project, **changes)  # type: ignore[arg-type]
        self.push_code(CODE)


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
