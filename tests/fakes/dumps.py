"""A registry with every kind of row, and its dumps."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TypeVar

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.made import PATIENT, START, draft, later, release, run
from tests.fakes.signer import FakeSigner
from tidegate.registry.book import Registry
from tidegate.registry.dump_file import Header
from tidegate.registry.dump_rows import RawRows
from tidegate.registry.exporting import assemble, export
from tidegate.registry.importing import check, load
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import DataFile, DriftReport


def quiet(*_: object) -> None:
    pass


Store = TypeVar("Store", bound=RegistryStore)


def fill(store: Store, files: int = 120) -> Store:
    """Write every kind of row, of three models, into an empty registry."""
    signer, book = FakeSigner(), Registry(store, FakeAnnouncer(), retries=PATIENT)
    for model in ("iris", "zinnia", "aster"):
        book.ensure_model(model, owner="ann", at=START, actor="ann")
    book.push_code("iris", digest="c" * 64, at=START, actor="ann")
    book.start_run(run("iris-1", identity="f" * 64), at=later(1))
    data = tuple(DataFile(f"data/iris/{i:03d}.csv", "v1", "a" * 64, 12, 3) for i in range(files))
    book.register(
        "iris", replace(draft(), inputs=data), signer, at=later(2), actor="ann", request_id="run-1"
    )
    begun = book.begin_release(release(), lease=later(60) - START, at=later(3))
    done = replace(begun, state="promoted", function_version="2", weight=100)
    book.finish_release(done, at=later(4))
    report = DriftReport(
        "iris", "2026-11-22T11:00:00.000Z", "drift", True, 1.5, ("petal",), 300, performance=0.75
    )
    book.report_drift(report, at=later(5))
    return store


def dumped(source: RawRows, *models: str, env: str = "prod") -> bytes:
    spool, out = io.BytesIO(), io.BytesIO()
    exported = export(source, spool, models=models, progress=quiet)
    header = Header(env, "1" * 12, "eu-west-1", "2026-11-23T10:00:00.000Z", exported.models)
    assemble(header, exported, spool, out)
    return out.getvalue()


def loaded(data: bytes, target: RawRows) -> int:
    file = io.BytesIO(data)
    return load(file, check(file), target, progress=quiet)
