"""Small valid values for tests of the registry and of releases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.registry_store import FakeRegistryStore
from tidegate.registry.book import Registry
from tidegate.registry.retries import Retries
from tidegate.registry.values import (
    DataFile,
    GateResult,
    Lineage,
    Release,
    Run,
    Version,
    VersionDraft,
)

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
PATIENT = Retries(attempts=1000, sleep=lambda _: None, chance=lambda: 0.0)


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def digest(letter: str) -> str:
    return letter * 64


def gate(*, passed: bool = True) -> GateResult:
    return GateResult("auc", "minimum", 0.8, 0.7, None, passed, "auc 0.8 against 0.7")


def lineage(parent: int = 0) -> Lineage:
    return Lineage(
        data_digest=digest("d"),
        code_digest=digest("c"),
        environment_digest=digest("e"),
        params={"depth": 6, "rate": 0.1, "whole": 2.0, "fast": True, "loss": "log"},
        parent=parent,
    )


def draft(
    letter: str = "a", *, passed: bool = True, shift: float | None = None, parent: int = 0
) -> VersionDraft:
    return VersionDraft(
        package_digest=digest(letter),
        package_size=1234,
        contract_digest=digest("b"),
        run="iris-20261122T100000-0001",
        lineage=lineage(parent),
        metrics={"auc": 0.81, "log_loss": 0.5},
        gates=(gate(passed=passed),),
        holdout_shift=shift,
        inputs=(DataFile("data/iris/a.csv.gz", "v1", digest("a"), 12, 3),),
    )


def version(number: int = 1, **changes: Any) -> Version:
    """Return a candidate of `draft()`, without the rows of its inputs."""
    made = draft()
    drafted = {f: getattr(made, f) for f in type(made).__dataclass_fields__ if f != "inputs"}
    known: dict[str, Any] = {"status": "candidate", "created": START, "created_by": "t"}
    return Version(**{"model": "iris", "number": number, **drafted, **known, **changes})


def release(release_id: str = "r-1", version: int = 1, actor: str = "ann") -> Release:
    return Release(
        model="iris",
        id=release_id,
        version=version,
        state="running",
        started=START,
        actor=actor,
        reason="new version",
        previous_function_version="1",
    )


def run(run_id: str = "iris-1", **changes: str) -> Run:
    return Run("iris", run_id, "running", START, "ann", "new data", **changes)  # type: ignore[arg-type]


def registry(store: FakeRegistryStore | None = None) -> tuple[Registry, FakeAnnouncer]:
    announcer = FakeAnnouncer()
    book = Registry(store or FakeRegistryStore(), announcer, retries=PATIENT)
    book.ensure_model("iris", owner="ann", at=START, actor="ann")
    return book, announcer
