"""Log groups: named, with retention, gone with their stack unless the stage protects its data."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.findings import acknowledge
from stacks.stage import StageSettings

_RETENTION = {
    days: logs.RetentionDays[name]
    for days, name in {
        1: "ONE_DAY", 3: "THREE_DAYS", 5: "FIVE_DAYS", 7: "ONE_WEEK", 14: "TWO_WEEKS",
        30: "ONE_MONTH", 60: "TWO_MONTHS", 90: "THREE_MONTHS", 120: "FOUR_MONTHS",
        150: "FIVE_MONTHS", 180: "SIX_MONTHS", 365: "ONE_YEAR", 400: "THIRTEEN_MONTHS",
        545: "EIGHTEEN_MONTHS", 731: "TWO_YEARS", 1827: "FIVE_YEARS", 3653: "TEN_YEARS",
    }.items()
}  # fmt: skip


def log_group(scope: Construct, id_: str, *, name: str, stage: StageSettings) -> logs.LogGroup:
    """Create a log group that keeps lines as long as the stage says."""
    group = logs.LogGroup(
        scope,
        id_,
        log_group_name=name,
        retention=_RETENTION[stage.log_retention_days],
        removal_policy=cdk.RemovalPolicy.RETAIN if stage.protect else cdk.RemovalPolicy.DESTROY,
    )
    reason = "Logs hold no feature values; CloudWatch encrypts them with its own key."
    acknowledge(group, {"NIST.800.53.R5-CloudWatchLogGroupEncrypted": reason})
    return group
