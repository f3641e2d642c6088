"""Findings: the cdk-nag packs that judge every template, and acknowledgements with their reasons.

An acknowledgement sits on one resource, or on the construct that holds it, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks
from constructs import IConstruct

PACKS = (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks)


def check(app: cdk.App) -> None:
    """Let every pack judge the application when it is synthesized."""
    cdk.Validations.of(app).add_plugins(*(pack(app) for pack in PACKS))


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings (rule -> reason) on one construct."""
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=rule, reason=reason) for rule, reason in reasons.items())
    )


def wildcard_finding(scope: IConstruct, resource: str) -> str:
    """Return the rule id with which cdk-nag reports a wildcard in a statement's resource."""
    return f"AwsSolutions-IAM5[Resource::{_flat(cdk.Stack.of(scope).resolve(resource))}]"


def _flat(value: Any) -> str:  # noqa: ANN401  # CloudFormation JSON
    """Print a resolved value as cdk-nag does: references in angle brackets."""
    if isinstance(value, str):
        return value
    name, content = next(iter(value.items()))
    if name == "Fn::Join":
        return str(content[0]).join(_flat(part) for part in content[1])
    if name == "Fn::GetAtt":
        return f"<{'.'.join(content)}>"
    return f"<{content}>"
