"""Two environments in memory with keys of their own, and a version that was trained in one."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.executions import MemoryExecutions
from tests.fakes.made import PATIENT, START, gate, later
from tests.fakes.packages import DATA_FILES, LINEAGE, model_apart, package_files
from tests.fakes.registry_store import FakeRegistryStore
from tests.fakes.signer import FakeSigner
from tidegate.package import keys
from tidegate.package.archive import build_package, open_package
from tidegate.package.code_archive import code_digest, declared_in
from tidegate.package.manifest import CARD, CONTRACT
from tidegate.package.whole import model_key
from tidegate.registry.book import Registry
from tidegate.registry.values import DataFile, Version, VersionDraft
from tidegate.release.origin_history import Place
from tidegate.release.promotion import Side
from tidegate.training.sweeping import Ground, Stored, sweep

MODEL = "ferry-delay"
MODEL_TOML = """\
name = "ferry-delay"
owner = "harbour-team"
contact = "harbour@example.com"
cost_center = "cc-42"
task = "regression"

[target]
column = "minutes"

[columns.wind]
type = "float"
minimum = 0
maximum = 60

[columns.harbour]
type = "category"
categories = ["north", "south"]

[training]
entry = "train.py:train"

[[gates]]
metric = "rmse"
maximum = 2.0
"""
CODE = {
    "model.toml": MODEL_TOML.encode(),
    "train.py": b"def train(frame, params):\n    return None\n",
    "requirements.txt": b"scikit-learn==1.7.2\n",
}
PROJECT = declared_in(CODE, model=MODEL)
REPORT = b'{"auc":0.8}'


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def package(number: int = 1, *, code: Mapping[str, bytes] = CODE, **changes: bytes) -> bytes:
    """Return a package whose manifest names `code`; each number gives another one.

    `changes` replace contents by name, with _ for the dot.
    """
    files = package_files() | {
        CONTRACT: PROJECT.contract.to_json(),
        CARD: f"# Ferry delay {number}\n".encode(),
    }
    files |= {name.replace("_", "."): data for name, data in changes.items()}
    lineage = replace(LINEAGE, code_digest=code_digest(code))
    return build_package(files, model=MODEL, lineage=lineage, metrics={"rmse": 1.5})


@dataclass
class House:
    """One environment; `side` is how a promotion sees it."""

    env: str
    account: str
    store: FakeRegistryStore = field(default_factory=FakeRegistryStore)
    artifacts: MemoryArtifacts = field(default_factory=MemoryArtifacts)
    signer: FakeSigner = field(default_factory=FakeSigner)
    announcer: FakeAnnouncer = field(default_factory=FakeAnnouncer)

    def __post_init__(self) -> None:
        self.artifacts.bucket = f"tidegate-{self.env}-{self.account}"
        self.signer.key = f"key-of-{self.env}-{self.account}"

    @property
    def registry(self) -> Registry:
        return Registry(self.store, self.announcer, retries=PATIENT)

    @property
    def side(self) -> Side:
        place = Place(self.env, self.account, "eu-west-1")
        return Side(place, self.registry, self.artifacts, self.signer)

    def train(
        self, number: int = 1, *, passed: bool = True, parent: int = 0, apart: bool = False
    ) -> Version:
        """Push the code and register a version, as the training workflow does."""
        return train(self.side, number, passed=passed, parent=parent, apart=apart)


def train(
    side: Side,
    number: int = 1,
    *,
    passed: bool = True,
    parent: int = 0,
    code: Mapping[str, bytes] = CODE,
    apart: bool = False,
    **changes: bytes,
) -> Version:
    """Push the code and register a version, as the training workflow does.

    With `apart` its model is too large for its package.
    """
    digest, data = code_digest(code), package(number, code=code, **changes)
    side.artifacts.put(keys.code_archive(MODEL, digest), zipped(code), overwrite=True)
    side.artifacts.put(keys.project_file(MODEL, digest), PROJECT.to_json(), overwrite=True)
    side.registry.ensure_model(MODEL, owner="harbour-team", at=START, actor="ann")
    side.registry.push_code(MODEL, digest=digest, at=START, actor="ann")
    if apart:
        data, model = model_apart(data)
    run, opened = f"run-{side.place.env}-{number}", open_package(data)
    if opened.pointer:
        side.artifacts.put(model_key(opened, opened.pointer), model, overwrite=True)
    side.artifacts.put(keys.package_file(MODEL, opened.digest), data, overwrite=True)
    report = keys.gate_report(MODEL, run)
    side.artifacts.put(report, REPORT)
    draft = VersionDraft(
        package_digest=opened.digest,
        package_size=len(data),
        contract_digest=opened.contract.digest,
        run=run,
        lineage=replace(opened.manifest.lineage, training_job="job", parent=parent),
        metrics={"rmse": 1.5},
        gates=(gate(passed=passed),),
        holdout_shift=0.5,
        inputs=tuple(DataFile(f.key, "v1", f.checksum, f.size, f.rows) for f in DATA_FILES),
        report=report,
        report_digest=hashlib.sha256(REPORT).hexdigest(),
    )
    return side.registry.register(
        MODEL, draft, side.signer, at=later(number), actor="ann", request_id=run
    )


class DiedError(BaseException):
    """The process is gone; no handler of errors sees it."""


@dataclass
class Shelves:
    """`Stock` over a house's bucket, all of whose packages were stored at one time."""

    artifacts: MemoryArtifacts
    modified: datetime

    def versions(self, prefix: str) -> tuple[Stored, ...]:
        return tuple(
            Stored(key, version, self.modified)
            for key, versions in self.artifacts.versions.items()
            for version, _ in versions
            if key.startswith(prefix)
        )

    def remove(self, stored: Stored) -> None:
        kept = [v for v in self.artifacts.versions[stored.key] if v[0] != stored.version_id]
        self.artifacts.versions[stored.key] = kept
        if not kept:
            del self.artifacts.versions[stored.key]


def sweep_after(house: House, hours: float) -> None:
    """Sweep the house so long after everything in it happened."""
    if MODEL in house.registry.models():
        stock = Shelves(house.artifacts, later(100))
        ground = Ground(house.registry, MemoryExecutions(), stock)
        sweep(MODEL, ground, later(100 + hours * 3600))


@dataclass
class Fuse:
    """Kills at the n-th outside effect: before it happened, or after; `pause` runs instead."""

    at: int = 0  # 0: never
    after: bool = False
    pause: Callable[[], None] | None = None
    burnt: int = 0

    def around(self, effect: Callable[..., object]) -> Callable[..., object]:
        def watched(*given: object, **named: object) -> object:
            self.burnt += 1
            fatal = self.burnt == self.at and self.pause is None
            if self.burnt == self.at and self.pause is not None:
                self.pause()
            if fatal and not self.after:
                raise DiedError
            answer = effect(*given, **named)
            if fatal:
                raise DiedError
            return answer

        return watched

    def into(self, house: House) -> None:
        """Watch everything that changes the house: commits, objects, signatures."""
        for part, names in ((house.store, ["commit"]), (house.artifacts, ["put"])):
            for name in names:
                setattr(part, name, self.around(getattr(part, name)))
        house.signer.sign = self.around(house.signer.sign)  # type: ignore[method-assign, assignment]

    @staticmethod
    def out_of(house: House) -> None:
        """Stop watching."""
        for part, name in (
            (house.store, "commit"),
            (house.artifacts, "put"),
            (house.signer, "sign"),
        ):
            vars(part).pop(name, None)
