"""Journal: read the server's log and the log groups of the local cloud."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

from tidegate_cli.local.errors import LocalCloudError
from tidegate_cli.local.state import Endpoint

_POLL_SECONDS = 0.5


def server_lines(log: Path, *, follow: bool, lines: int) -> Iterator[str]:
    """Yield the last lines of a file, and with `follow` what is appended to it."""
    if not log.is_file():
        return
    with log.open(errors="replace") as file:
        yield from (line.rstrip("\n") for line in deque(file, maxlen=lines))
        while follow:
            line = file.readline()
            if line:
                yield line.rstrip("\n")
            else:
                time.sleep(_POLL_SECONDS)


def group_lines(endpoint: Endpoint, group: str, *, follow: bool, lines: int) -> Iterator[str]:
    """Yield the last messages of a log group, and with `follow` the new ones."""
    variables = endpoint.environment()
    client: Any = boto3.client(
        "logs",
        endpoint_url=endpoint.url,
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    events = _events(client, group, 0)
    yield from (_line(event) for event in events[-lines:])
    since = max((event["timestamp"] for event in events), default=0)
    seen = sum(event["timestamp"] == since for event in events)
    while follow:
        time.sleep(_POLL_SECONDS)
        events = _events(client, group, since)
        yield from (_line(event) for event in events[seen:])
        since = max((event["timestamp"] for event in events), default=since)
        seen = sum(event["timestamp"] == since for event in events)


def _events(
    client: Any,  # noqa: ANN401 boto3 makes its clients at run time
    group: str,
    since: int,
) -> list[dict[str, Any]]:
    try:
        answer = client.filter_log_events(logGroupName=group, startTime=since)
    except client.exceptions.ResourceNotFoundException:
        raise LocalCloudError(f"no log group {group} in the local cloud") from None
    events: list[dict[str, Any]] = answer["events"]
    return events


def _line(event: dict[str, Any]) -> str:
    stamp = time.strftime("%H:%M:%S", time.localtime(event["timestamp"] / 1000))
    return f"{stamp} {event['message']}".replace("\r", "\n")
