"""Count log lines that name `CorruptRecordError`: a row of the registry is not what we wrote.

Whoever meets one refuses it, so the error ends in a log line, whichever function it is.
"""

from __future__ import annotations

from aws_cdk import aws_logs as logs

from stacks.constructs.event_bus import log_namespace
from stacks.constructs.python_function import PythonFunction
from tidegate.errors import CorruptRecordError
from tidegate.settings import CORRUPT_RECORD


def count_corrupt_records(function: PythonFunction, *, env: str) -> logs.CfnMetricFilter:
    """Add a metric filter to the function's log group; an alarm watches the metric."""
    return logs.CfnMetricFilter(
        function,
        "CorruptRecord",
        log_group_name=function.logs.log_group_name,
        filter_pattern=f'"{CorruptRecordError.__name__}"',
        metric_transformations=[
            logs.CfnMetricFilter.MetricTransformationProperty(
                metric_namespace=log_namespace(env), metric_name=CORRUPT_RECORD, metric_value="1"
            )
        ],
    )
