"""What one look of the monitor takes and what it finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from tidegate.registry.values import DriftReport
from tidegate.windows.label_delay import Delay
from tidegate.windows.values import Label, Window


@dataclass(frozen=True)
class Evidence:
    """What there is to look at: one release's merged window, labels, and earlier looks.

    `labels` are of predictions of the same release, newest first; `served` counts the rows whose
    labels could be among them, so that coverage is honest. `previous` is newest first.
    """

    window: Window
    labels: tuple[Label, ...] = ()
    served: int = 0
    labelled: int = 0  # of those rows
    previous: tuple[DriftReport, ...] = ()
    lost: int = 0  # requests counted in lines that never arrived

    @property
    def coverage(self) -> float | None:
        """Labelled share of the rows served; None when none were, 1 when windows of them lack."""
        return min(1.0, self.labelled / self.served) if self.served else None


@dataclass(frozen=True)
class Limits:
    """When a finding counts; hours are those of the environment, so already scaled."""

    min_rows: int
    confirm: int
    of: int
    effect_floor: float
    max_null_rate_rise: float
    max_performance_drop: float
    metric: str = ""  # of the first gate; empty: performance is not judged
    block_hours: float = 24.0  # a reference block's length


@dataclass(frozen=True)
class ColumnFinding:
    """One column (or the score): how far it is from training, and how far is too far."""

    column: str
    distance: float
    threshold: float
    rows: int
    null_rate: float
    reference_null_rate: float
    unknown_rate: float = 0.0
    reference_unknown_rate: float = 0.0
    fault: str = ""  # non-empty: looks like a bug in the data

    @property
    def ratio(self) -> float:
        """Distance over threshold; above 1 the column drifted."""
        return self.distance / self.threshold

    @property
    def drifted(self) -> bool:
        """Whether the distance is beyond what the reference explains."""
        return self.ratio > 1.0


@dataclass(frozen=True)
class Performance:
    """A metric from labels against the holdout; `drop` is relative, positive when worse."""

    metric: str
    value: float
    reference: float
    drop: float
    certain_drop: float  # lower end of the drop's 99 % interval
    labels: int
    degraded: bool


@dataclass(frozen=True)
class Look:
    """One look: the report that the registry keeps, and everything behind it."""

    report: DriftReport
    version: int
    until: datetime
    columns: tuple[ColumnFinding, ...] = ()
    score: ColumnFinding | None = None
    performance: Performance | None = None
    coverage: float | None = None  # labelled share of the rows served
    lost: int = 0  # requests counted in lines that never arrived
    delay: Delay | None = None  # from prediction to label
    waiting: str = ""  # what is missing to judge

    def to_metrics(self) -> dict[str, float]:
        """Return what CloudWatch is told; what is not known is left out."""
        known = {
            "LabelCoverage": self.coverage,
            "Performance": self.report.performance,
            "LostRequests": float(self.lost) if self.lost else None,
        }
        return {
            "DriftConfirmed": float(self.report.confirmed),
            "MonitorHeartbeat": 1.0,
            "DriftScore": self.report.score,
            **{name: value for name, value in known.items() if value is not None},
        }

    def to_answer(self) -> dict[str, object]:
        """Return what a person who asked for the look is told."""
        report = self.report
        return {
            "model": report.model,
            "report": report.id,
            "release": report.release,
            "verdict": report.verdict,
            "confirmed": report.confirmed,
            "score": report.score,
            "columns": list(report.columns),
            "rows": report.rows,
            "data_fault": report.data_fault,
            "performance": report.performance,
            "label_coverage": self.coverage,
            "label_delay": None if self.delay is None else asdict(self.delay),
            "waiting": self.waiting,
            "key": report.key,
        }
