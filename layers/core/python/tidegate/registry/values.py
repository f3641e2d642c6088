"""What the registry holds, as immutable values.

One model's rows: META, versions, pointers, releases, a lock, training runs, drift reports, events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Status = Literal["pending", "candidate", "approved", "champion", "retired", "failed", "quarantined"]
PointerName = Literal["champion", "challenger", "code"]
ReleaseState = Literal["running", "promoted", "rolled_back", "failed"]
RunState = Literal["running", "succeeded", "reused", "failed"]


@dataclass(frozen=True)
class Lineage:
    """What made a version; every digest is SHA-256 in hex."""

    data_digest: str
    code_digest: str
    environment_digest: str  # of the resolved environment (`pip freeze` + interpreter)
    params: dict[str, str | int | float | bool] = field(default_factory=dict)
    seed: int = 0
    git_commit: str = ""
    git_dirty: bool = False
    training_job: str = ""
    image: str = ""
    parent: int = 0  # champion when training started; 0: none
    data_objects: tuple[DataObject, ...] = ()


@dataclass(frozen=True)
class DataObject:
    """One data file as it was read: S3 key, version id, SHA-256, bytes."""

    key: str
    version_id: str
    checksum: str
    size: int


@dataclass(frozen=True)
class GateResult:
    """One gate's verdict: `value` against `bound`; `champion` is the champion's value or None."""

    metric: str
    rule: str  # "minimum" | "maximum" | "max_regression"
    value: float | None
    bound: float
    champion: float | None
    passed: bool
    reason: str


@dataclass(frozen=True)
class Meta:
    """A model's head: `rev` grows by one with every commit and numbers the events."""

    model: str
    owner: str
    rev: int = 0
    counter: int = 0  # last version number handed out


@dataclass(frozen=True)
class Version:
    """One trained model. Everything but `status` is written once."""

    model: str
    number: int
    status: Status
    package_digest: str
    package_size: int
    contract_digest: str
    created: datetime
    created_by: str
    run: str  # id of the training run
    lineage: Lineage
    metrics: dict[str, float]
    gates: tuple[GateResult, ...]
    holdout_shift: float | None = None  # scores against the champion's on the holdout, in its std
    request_id: str = ""

    @property
    def gates_passed(self) -> bool:
        """Whether every gate passed."""
        return all(gate.passed for gate in self.gates)


@dataclass(frozen=True)
class VersionDraft:
    """What a training run hands in; the registry adds number, status, time and author."""

    package_digest: str
    package_size: int
    contract_digest: str
    run: str
    lineage: Lineage
    metrics: dict[str, float]
    gates: tuple[GateResult, ...]
    holdout_shift: float | None = None


@dataclass(frozen=True)
class Pointer:
    """A named place: `champion` and `challenger` hold a version number, `code` a digest."""

    model: str
    name: PointerName
    target: str  # empty: points at nothing now
    rev: int
    since: datetime
    release: str = ""  # champion: the release that published what serves


@dataclass(frozen=True)
class Request:
    """An answered request: the same `id` again gets the same answer, not a second one."""

    model: str
    id: str
    subject: str  # e.g. "version:3"
    at: datetime


@dataclass(frozen=True)
class Verdict:
    """What a judge said at one step."""

    step: int  # canary percentage
    answer: Literal["advance", "rollback", "hold"]
    reasons: tuple[str, ...]
    evidence: dict[str, float]
    at: datetime


@dataclass(frozen=True)
class Release:
    """One attempt to bring a version to 100 %."""

    model: str
    id: str
    version: int
    state: ReleaseState
    started: datetime
    actor: str
    reason: str
    function_version: str = ""  # of Lambda, once published
    previous_function_version: str = ""  # what served before; at the first release the seed
    previous_version: int = 0
    weight: int = 0  # percent of traffic on the new version now
    verdicts: tuple[Verdict, ...] = ()
    finished: datetime | None = None
    outcome: str = ""
    fence: int = 0  # token of the lock it holds
    previous_release: str = ""  # release id of what served before


@dataclass(frozen=True)
class Lock:
    """The release lock: one holder, a lease, and a token that only grows."""

    model: str
    holder: str  # release id; empty when free
    token: int
    expires: datetime
    lease: float = 0.0  # seconds that every sign of life adds


@dataclass(frozen=True)
class Run:
    """One execution of the training workflow."""

    model: str
    id: str
    state: RunState
    started: datetime
    actor: str
    reason: str
    identity: str = ""  # digest of data, code, params and environment: equal means nothing to train
    job: str = ""
    version: int = 0
    finished: datetime | None = None
    error: str = ""


@dataclass(frozen=True)
class DriftReport:
    """What one look of the monitor found; the whole report lies at `key` in the bucket."""

    model: str
    id: str  # end of the window, as a stamp
    verdict: Literal["drift", "no_drift", "insufficient_data"]
    confirmed: bool
    score: float  # max over columns of distance / threshold
    columns: tuple[str, ...]  # that drifted, worst first
    rows: int
    data_fault: str = ""  # non-empty: looks like a bug in the data, with the reason
    performance: float | None = None
    key: str = ""
    release: str = (
        ""  # whose windows were looked at; findings confirm each other within one release
    )
    since: str = ""  # start of the window, as a stamp


@dataclass(frozen=True)
class Event:
    """Something that happened: append-only, numbered by the model's `rev`."""

    model: str
    sequence: int
    kind: str  # e.g. VersionRegistered, VersionApproved, ReleaseStarted, WeightShifted, ...
    at: datetime
    actor: str
    reason: str
    subject: str = ""  # e.g. "version:3", "release:r-..."
    evidence: dict[str, str | int | float | bool] = field(default_factory=dict)
    request_id: str = ""


Record = Meta | Version | Pointer | Release | Lock | Run | DriftReport | Request
