"""Grants: the one way to add a statement to a role; a wildcard needs a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam

from stacks.findings import acknowledge, wildcard_finding

Conditions = Mapping[str, Mapping[str, str | list[str]]]


def allow(
    role: iam.Role,
    actions: Sequence[str],
    *,
    on: Sequence[str],
    when: Conditions | None = None,
    wildcard: str = "",
) -> None:
    """Let `role` do `actions` on the resources `on`.

    A resource with `*` needs `wildcard`, the reason why it is not named in full: the finding
    of cdk-nag is acknowledged with it. Actions never hold a wildcard.
    """
    if any("*" in action for action in actions):
        raise ValueError(f"{list(actions)}: name each action")
    stars = [resource for resource in on if "*" in resource]
    if stars and not wildcard:
        raise ValueError(f"{stars}: give the reason for the wildcard")
    role.add_to_principal_policy(
        iam.PolicyStatement(actions=list(actions), resources=list(on), conditions=when)
    )
    acknowledge(role, {wildcard_finding(role, resource): wildcard for resource in stars})
