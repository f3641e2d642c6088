"""What a flush prints: the window's lines, its totals as CloudWatch metrics (EMF), and samples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.settings import NAMESPACE
from tidegate.windows.codec import encode_lines

if TYPE_CHECKING:
    from tidegate.serving.counting import Closed

MOST_VALUES = 100  # that EMF takes of one metric
COUNTED = {
    "Requests": "requests",
    "Rows": "rows",
    "Rejected": "rejected",
    "Errors": "errors",
    "Invalid": "invalid",
    "ColdStarts": "cold_starts",
    "Uncounted": "uncounted",
}


def flush_text(closed: Closed, *, env: str) -> str:
    """Return the lines of one flush, each ended by a line break."""
    lines = (*encode_lines(closed.window), metric_line(closed, env=env), *closed.samples)
    return "".join(f"{line}\n" for line in lines)


def metric_line(closed: Closed, *, env: str) -> str:
    """Return the embedded metric format of a window's totals, dimensions Env and Model.

    Source: "Specification: Embedded metric format", CloudWatch User Guide.
    """
    window = closed.window
    counts = {name: getattr(window, field) for name, field in COUNTED.items()}
    counts["UnknownCategories"] = closed.unknown
    metrics = [{"Name": name, "Unit": "Count"} for name in counts]
    times = {"BilledMilliseconds": closed.billed_ms, "Latency": histogram(closed.latencies)}
    metrics += [{"Name": name, "Unit": "Milliseconds"} for name in times]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["Env", "Model"]], "Metrics": metrics}
    content = {
        "_aws": {
            "Timestamp": round(window.end.timestamp() * 1000),
            "CloudWatchMetrics": [directive],
        },
        "Env": env,
        "Model": window.model,
        "Version": str(window.version),
        "Release": window.release,
        **counts,
        **times,
    }
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def histogram(values: Sequence[float]) -> dict[str, Any] | list[float]:
    """Return a metric's values as EMF takes them: at most 100 different ones, each with its count.

    Up to 100 values stand for themselves. Of more, neighbours share their mean: so number, sum,
    least and greatest are exact, and a percentile is off by at most one group of equal size.
    The form is that of CloudWatch's PutMetricData; inside EMF it is written by the AWS exporter of
    OpenTelemetry (awsemfexporter, `cWMetricHistogram`), not by the specification.

    >>> histogram([3.0, 1.0, 3.0])
    {'Values': [1.0, 3.0], 'Counts': [1, 2], 'Min': 1.0, 'Max': 3.0, 'Count': 3, 'Sum': 7.0}
    """
    if not values:
        return []
    ordered = np.sort(np.asarray(values, dtype=np.float64).round(3))
    found, counts = np.unique(ordered, return_counts=True)
    if len(found) > MOST_VALUES:
        groups = (ordered[:1], *np.array_split(ordered[1:-1], MOST_VALUES - 2), ordered[-1:])
        found = np.array([group.mean() for group in groups])
        counts = np.array([len(group) for group in groups])
    return {
        "Values": found.tolist(),
        "Counts": counts.tolist(),
        "Min": float(ordered[0]),
        "Max": float(ordered[-1]),
        "Count": len(ordered),
        "Sum": float(ordered.sum()),
    }
