"""What the registry holds, as immutable values.

One model's rows: META, versions, pointers, releases, a lock, training runs, drift reports, events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tidegate.registry.lineage import Lineage

Status = Literal["pending", "candidate", "approved", "champion", "retired", "failed", "quarantined"]
PointerName = Literal["champion", "challenger", "code"]
InputKind = Literal["data", "code", "environment", "dataset"]
ReleaseState = Literal["running", "promoted", "rolled_back", "failed"]
RunState = Literal["running", "succeeded", "reused", "failed"]


@dataclass(frozen=True)
class DataObject:
    """One data file as it was read: S3 key, version id, SHA-256, bytes."""

    key: str
    version_id: str
    checksum: str
    size: int


@dataclass(frozen=True)
class DataFile:
    """One file of training data: the exact object, and how many rows of data it holds."""

    key: str
    version_id: str
    checksum: str  # SHA-256 in hex
    size: int  # bytes
    rows: int = 0


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
class Serving:
    """What a model's traffic does; each event holds what was so after it."""

    champion: int = 0  # version; 0: none yet
    release: str = ""  # that published the champion
    function_version: str = ""  # of Lambda, that serves the champion
    challenger: int = 0  # version of the open release
    open_release: str = ""
    weight: int = 0  # percent of the traffic that the open release gets


@dataclass(frozen=True)
class Meta:
    """A model's head: `rev` grows by one with every commit and numbers the events."""

    model: str
    owner: str
    rev: int = 0
    counter: int = 0  # last version number handed out
    serving: Serving = field(default_factory=Serving)
    latest: datetime | None = None  # time of the last event; the next one is not earlier


@dataclass(frozen=True)
class Origin:
    """Where a promoted version comes from: its row there, and the signature that it had there."""

    env: str
    account: str
    region: str
    version: int
    package_digest: str
    created: datetime
    created_by: str
    key: str  # that signed it there
    algorithm: str
    signature: str  # base64
    history: str  # key of its events there, as copied
    history_digest: str


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
    report: str = ""  # key of the gate report
    report_digest: str = ""
    origin: Origin | None = None  # of a version promoted from another environment
    files: int = 0  # of data; each is an `Input`

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
    inputs: tuple[DataFile, ...] = ()
    report: str = ""
    report_digest: str = ""
    origin: Origin | None = None


@dataclass(frozen=True)
class Input:
    """One thing that a version was made from, found by its digest.

    A `data` file has its key, version id, bytes and rows; `dataset` is the digest over all of them.
    """

    model: str
    version: int
    kind: InputKind
    index: int
    digest: str
    key: str = ""
    version_id: str = ""
    size: int = 0
    rows: int = 0


@dataclass(frozen=True)
class Signature:
    """The signature over a version's statement: model, number and the digests that make it up."""

    model: str
    version: int
    key: str  # id of the key that signed
    algorithm: str
    value: str  # base64


@dataclass(frozen=True)
class Reign:
    """A champion's beginning, numbered by the event that brought it; it ends where the next begins.

    Another release of the same version, with other framework code, is a reign of its own.
    """

    model: str
    sequence: int
    version: int
    release: str
    function_version: str
    since: datetime
    actor: str
    reason: str


@dataclass(frozen=True)
class Pointer:
    """A named place: `champion` and `challenger` hold a version number, `code` a digest."""

    model: str
    name: PointerName
    target: str  # empty: points at nothing now
    rev: int
    since: datetime
    release: str = ""  # champion: the release that published what serves
    event: int = 0  # code: number of the event that pushed it


@dataclass(frozen=True)
class Request:
    """An answered request: the same `id` again gets the same answer, not a second one."""

    model: str
    id: str
    command: str  # digest of what was asked; the same id can't ask for something else
    sequence: int  # of the event that answered it
    at: datetime
    kind: str = ""  # of the record that was the answer; empty: there is none
    key: str = ""
    answer: str = ""  # JSON of the answer's fields that may have changed since


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
    serving: Serving = field(default_factory=Serving)  # after this event


Record = (
    Meta
    | Version
    | Input
    | Signature
    | Reign
    | Pointer
    | Release
    | Lock
    | Run
    | DriftReport
    | Request
)
