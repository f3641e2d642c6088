"""The monitor by hand: the deployed function is asked for a look now."""

from __future__ import annotations

import json
from typing import Any

from tidegate.clock import stamp, utc_now
from tidegate_cli.cloud import Cloud
from tidegate_cli.faults import CommandError, MissingError


def look_now(cloud: Cloud, model: str) -> dict[str, Any]:
    """Invoke the monitor function for a model; return its answer."""
    client = cloud.client("lambda")
    function = cloud.settings.names.function("monitor")
    event = json.dumps({"model": model, "at": stamp(utc_now())}).encode()
    try:
        reply = client.invoke(FunctionName=function, Payload=event)
    except client.exceptions.ResourceNotFoundException as error:
        raise MissingError(
            f"environment {cloud.env} is not deployed: no function {function}",
            hint=f"run: tidegate deploy --env {cloud.env}",
        ) from error
    answer: dict[str, Any] = json.loads(reply["Payload"].read() or b"{}")
    if reply.get("FunctionError"):
        kind, message = answer.get("errorType", "error"), answer.get("errorMessage", "")
        raise CommandError(f"{function}: {kind}: {message}")
    return answer
