"""Usage: the AWS/Lambda metrics of every invocation, whoever invoked.

The emulator publishes them for the Invoke API alone and without the alias. Equal values of one
second are one point with a count, so that a load test does not fill the memory.
"""

import threading
import time
from typing import Any

from . import seams
from .aliases import Called

_lock = threading.Lock()


def record(called: Called, version: str, milliseconds: float, *, failed: bool) -> None:
    """Publish one invocation under the dimensions AWS gives it."""
    dimensions = [{"FunctionName": called.function}]
    if called.qualifier:
        resource = f"{called.function}:{called.qualifier}"
        dimensions.append({"FunctionName": called.function, "Resource": resource})
        dimensions.append({**dimensions[-1], "ExecutedVersion": version})
    # whole milliseconds: they are what alarms and people look at, and they repeat
    values = (
        ("Invocations", 1.0, "Count"),
        ("Errors", float(failed), "Count"),
        ("Throttles", 0.0, "Count"),
        ("Duration", float(max(1, round(milliseconds))), "Milliseconds"),
    )
    second = float(int(time.time()))
    with _lock:
        for dims in dimensions:
            for name, value, unit in values:
                _add(name, dims, {"Value": value, "Unit": unit, "Timestamp": second})


def _add(name: str, dimensions: dict[str, str], point: dict[str, Any]) -> None:
    service = seams.load("ministack.services.cloudwatch")
    points = service._metric_bucket(("AWS/Lambda", name, service._dims_key(dimensions)))
    for known in reversed(points):
        if known["Timestamp"] != point["Timestamp"]:
            break
        if known["Value"] == point["Value"]:
            known["Count"] += 1.0
            return
    points.append({**point, "Dimensions": dimensions, "Count": 1.0})
