"""EMF: turn log lines in CloudWatch's embedded metric format into metrics.

Source: CloudWatch user guide, "Specification: Embedded metric format".
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import seams

_log = logging.getLogger("tidegate.emf")


@dataclass(frozen=True)
class Datum:
    """One metric value set, under one set of dimensions."""

    namespace: str
    name: str
    unit: str
    dimensions: dict[str, str]
    values: tuple[float, ...]
    timestamp: float
    counts: tuple[float, ...] = ()  # how often each value came; empty: once


def extract(line: str) -> Iterator[Datum]:
    """Yield every metric of a log line; a line without a metric directive yields nothing.

    >>> line = ('{"_aws": {"Timestamp": 1000, "CloudWatchMetrics": [{"Namespace": "N",'
    ...     ' "Dimensions": [["Env"]], "Metrics": [{"Name": "M", "Unit": "Count"}]}]},'
    ...     ' "Env": "local", "M": [1, 2]}')
    >>> [(d.name, d.dimensions, d.values) for d in extract("text before " + line)]
    [('M', {'Env': 'local'}, (1.0, 2.0))]
    """
    document = _document(line)
    if document is None:
        return
    header = document["_aws"]
    timestamp = float(header.get("Timestamp", 0)) / 1000
    for directive in header.get("CloudWatchMetrics", []):
        for names in directive.get("Dimensions") or [[]]:
            if any(name not in document for name in names):
                continue  # the format says: a dimension set without its values is dropped
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive.get("Metrics", []):
                values, counts = _values(document.get(metric["Name"]))
                if values:
                    yield Datum(
                        namespace=directive["Namespace"],
                        name=metric["Name"],
                        unit=metric.get("Unit", "None"),
                        dimensions=dimensions,
                        values=values,
                        timestamp=timestamp,
                        counts=counts,
                    )


def publish(line: str, received: float) -> None:
    """Store the metrics of one log line; `received` stands in for a missing timestamp."""
    if '"_aws"' not in line:
        return
    store = seams.load("ministack.services.cloudwatch")._store_datum
    for datum in extract(line):
        store(
            datum.namespace,
            datum.name,
            datum.dimensions,
            datum.timestamp or received,
            datum.unit,
            None,
            list(datum.values),
            list(datum.counts) or None,
            None,
        )


def _document(line: str) -> dict[str, Any] | None:
    start = line.find("{")
    if start < 0 or '"_aws"' not in line:
        return None
    try:
        document, _ = json.JSONDecoder().raw_decode(line[start:])
    except json.JSONDecodeError:
        _log.warning("a log line speaks of _aws but is not JSON: %.200s", line)
        return None
    header = document.get("_aws") if isinstance(document, dict) else None
    return document if isinstance(header, dict) and "CloudWatchMetrics" in header else None


def _values(value: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return values, and the counts of a histogram as AWS's OpenTelemetry exporter writes one."""
    if isinstance(value, dict):
        return tuple(map(float, value["Values"])), tuple(map(float, value["Counts"]))
    values = value if isinstance(value, list) else [value]
    return tuple(float(v) for v in values if isinstance(v, int | float)), ()
