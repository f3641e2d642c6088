"""The whole report of a look as JSON; the registry keeps its summary."""

from __future__ import annotations

import json
from dataclasses import asdict

from tidegate.errors import CorruptRecordError
from tidegate.monitoring.values import ColumnFinding, Look
from tidegate.registry.values import DriftReport


def look_to_json(look: Look) -> bytes:
    """Return canonical bytes: sorted keys, finite numbers only."""
    content = {
        "report": asdict(look.report),
        "version": look.version,
        "until": look.until.isoformat(),
        "waiting": look.waiting,
        "columns": [_column(column) for column in sorted(look.columns, key=lambda c: -c.ratio)],
        "score": None if look.score is None else _column(look.score),
        "performance": None if look.performance is None else asdict(look.performance),
        "label_coverage": look.coverage,
        "lost_requests": look.lost,
        "label_delay": None if look.delay is None else asdict(look.delay),
    }
    return json.dumps(content, sort_keys=True, indent=1, allow_nan=False).encode()


def report_from_json(content: bytes) -> DriftReport:
    """Read the summary back; raise `CorruptRecordError` when these are no bytes of a look."""
    try:
        found = json.loads(content)["report"]
        return DriftReport(**{**found, "columns": tuple(found["columns"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        raise CorruptRecordError("this is no report of a look") from None


def _column(finding: ColumnFinding) -> dict[str, object]:
    return {**asdict(finding), "ratio": finding.ratio, "drifted": finding.drifted}
