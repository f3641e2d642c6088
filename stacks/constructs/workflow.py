"""Workflow: a state machine from `stacks/workflows/<name>.asl.json` with its role and log."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from stacks.constructs.grants import allow
from stacks.constructs.log_group import log_group
from stacks.constructs.roles import service_role
from stacks.findings import acknowledge
from stacks.stage import StageSettings
from tidegate import errors
from tidegate.errors import ProjectError

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_NO_RESOURCE = "CloudWatch Logs delivery and X-Ray know no resource-level permissions."


class Workflow(Construct):
    """A state machine; `${Name}` in its definition is filled in, errors by their class's name."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        definition: str,
        stage: StageSettings,
        functions: Mapping[str, lambda_.Function],
        values: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.role = service_role(self, "Role", service="states", description=f"Runs {name}")
        arns = {variable: function.function_arn for variable, function in functions.items()}
        self.machine = states.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            definition_body=states.DefinitionBody.from_string(definition),
            definition_substitutions=_fill(definition, {**arns, **(values or {})}),
            role=self.role,
            logs=states.LogOptions(
                destination=log_group(
                    self, "Log", name=f"/aws/vendedlogs/states/{name}", stage=stage
                ),
                level=states.LogLevel.ALL,
                include_execution_data=False,
            ),
            tracing_enabled=True,
        )
        allow(self.role, ["lambda:InvokeFunction"], on=list(arns.values()))
        acknowledge(self.role, {"AwsSolutions-IAM5[Resource::*]": _NO_RESOURCE})


def _fill(definition: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return a value for each `${Name}`; raise `ProjectError` for one that nobody gives."""
    json.loads(definition)
    filled = {}
    for variable in sorted(set(_VARIABLE.findall(definition))):
        value = values.get(variable) or _error_name(variable)
        if not value:
            raise ProjectError("stacks/workflows", f"${{{variable}}}", "nobody gives it a value")
        filled[variable] = value
    return filled


def _error_name(name: str) -> str:
    """Return the name of an error class of ours, or nothing."""
    found = getattr(errors, name, None)
    is_error = isinstance(found, type) and issubclass(found, errors.TidegateError)
    return name if is_error else ""
