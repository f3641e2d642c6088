"""`tidegate deploy` and `destroy`: `cdk deploy` of one environment, prepared and made readable."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from botocore.exceptions import ClientError

from tidegate.project_file import discover, read_project
from tidegate_cli import completion, model_folder
from tidegate_cli.checkout import environment
from tidegate_cli.cloud import LOCAL, Cloud
from tidegate_cli.commands import local
from tidegate_cli.deployment import Cdk, local_context
from tidegate_cli.faults import InputError
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.local import cloud as local_cloud

TOOLKIT = "CDKToolkit"
DEPLOY = """
[bold]Examples[/]

[cyan]tidegate deploy[/]                                   local; starts the local cloud
[cyan]AWS_PROFILE=ml tidegate deploy --env dev[/]          into your account
[cyan]tidegate deploy --env dev --model flight-delay[/]    one model and what it stands on
"""


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(app, "deploy", epilog=DEPLOY, rich_help_panel="Build")(deploy)
    verb(app, "destroy", rich_help_panel="Build")(destroy)


def deploy(
    call: Invocation,
    model: Annotated[
        str | None,
        typer.Option(help="Only this model's stack.", autocompletion=completion.models),
    ] = None,
) -> None:
    """Install or update an environment. Traffic never moves by this: releases do that."""
    began = time.monotonic()
    for folder in discover(model_folder.models_dir(call.root)):
        read_project(folder)  # the first mistake ends it here, not minutes later
    if model:
        model_folder.find(call.root, model)
    cdk = prepare(call)
    outputs = cdk.deploy(model=model or "")
    seconds = time.monotonic() - began
    call.answer(
        {"env": call.env, "seconds": round(seconds, 1), "outputs": outputs, "log": cdk.log},
        f"[green]deployed[/] {call.env} in {seconds:.0f} s",
    )


def destroy(
    call: Invocation,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete an environment's stacks. Protected environments keep their data and refuse."""
    if call.env != LOCAL and not yes:
        typer.confirm(f"Delete all of Tidegate's stacks in {call.env}?", abort=True, err=True)
    if call.env == LOCAL and not local_cloud.status(call.root).healthy:
        call.answer({"env": LOCAL, "destroyed": False}, "the local cloud is not running")
        return
    prepare(call).destroy()
    call.answer({"env": call.env, "destroyed": True}, f"[green]destroyed[/] {call.env}")


def prepare(call: Invocation) -> Cdk:
    """Return the CDK for the environment; start the local cloud and bootstrap when needed."""
    environment(call.root, call.env)
    variables, context = {}, {}
    if call.env == LOCAL:
        endpoint = local.start(call)
        variables, context = endpoint.environment(), local_context(endpoint.python)
    cdk = Cdk(
        call.root,
        call.env,
        variables,
        context,
        progress=lambda line: call.say(f"[dim]cdk[/] {line}"),
    )
    if not _is_bootstrapped(call.cloud):
        settings = call.cloud.settings
        call.say(f"[dim]cdk[/] bootstrapping {settings.account}/{settings.region}")
        cdk.bootstrap(settings.account, settings.region)
    return cdk


def _is_bootstrapped(cloud: Cloud) -> bool:
    try:
        found = cloud.client("cloudformation").describe_stacks(StackName=TOOLKIT)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # how CloudFormation says "none"
            return False
        raise
    state = str(found[0]["StackStatus"]) if found else ""
    if state.startswith("ROLLBACK"):
        raise InputError(f"stack {TOOLKIT} is {state}", hint="delete it in CloudFormation first")
    return bool(found)
