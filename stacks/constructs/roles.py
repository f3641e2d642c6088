"""Roles: one per thing that acts, assumed by one service, with statements of its own only."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.findings import acknowledge

_OWN_POLICY = "The policy is one role's own and goes with it, a managed one would outlive it."


def service_role(
    scope: Construct, id_: str, *, service: str, description: str, name: str | None = None
) -> iam.Role:
    """Create a role that one AWS service may assume."""
    role = iam.Role(
        scope,
        id_,
        role_name=name,
        description=description,
        assumed_by=iam.ServicePrincipal(f"{service}.amazonaws.com"),
    )
    acknowledge(role, {"NIST.800.53.R5-IAMNoInlinePolicy": _OWN_POLICY})
    return role
