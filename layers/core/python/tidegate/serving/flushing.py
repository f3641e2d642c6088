"""What a flush prints: the window's lines, and its totals as CloudWatch metrics (EMF)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tidegate.settings import NAMESPACE
from tidegate.windows.codec import encode_lines
from tidegate.windows.values import Window

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


def flush_text(window: Window, latencies: Sequence[float], *, env: str) -> str:
    """Return the lines of one flush, each ended by a line break."""
    lines = (*encode_lines(window), metric_line(window, latencies, env=env))
    return "".join(f"{line}\n" for line in lines)


def metric_line(window: Window, latencies: Sequence[float], *, env: str) -> str:
    """Return the embedded metric format of a window's totals, dimensions Env and Model.

    Source: "Specification: Embedded metric format", CloudWatch User Guide.
    """
    metrics = [{"Name": name, "Unit": "Count"} for name in COUNTED]
    metrics.append({"Name": "Latency", "Unit": "Milliseconds"})
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
        **{name: getattr(window, field) for name, field in COUNTED.items()},
        "Latency": spread(latencies),
    }
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def spread(values: Sequence[float]) -> list[float]:
    """Return at most 100 of the values, smallest and largest among them, at equal ranks.

    >>> spread([3.0, 1.0, 2.0004])
    [1.0, 2.0, 3.0]
    """
    ordered = sorted(round(value, 3) for value in values)
    if len(ordered) <= MOST_VALUES:
        return ordered
    step = (len(ordered) - 1) / (MOST_VALUES - 1)
    return [ordered[round(i * step)] for i in range(MOST_VALUES)]
