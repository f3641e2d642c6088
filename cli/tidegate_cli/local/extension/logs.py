"""Logs: one stream per worker, every line to the metrics and to the subscriptions.

line -> stream (retained: the last lines only) -> embedded metrics -> subscription filters -> Lambda

A subscription's deliveries are queued and sent in batches by one thread per destination, as AWS
does, and retried with the same event ids, so a receiver can be idempotent.
"""

import base64
import gzip
import json
import logging
import queue
import threading
import time
from typing import Any
from uuid import uuid4

from . import emf, roles, seams
from .identity import log_group
from .patterns import PatternError, compile_pattern

_LOGS = "ministack.services.cloudwatch_logs"
_LAMBDA = "ministack.services.lambda_svc"
_KEPT_EVENTS = 20_000
_BATCH = 200
_ATTEMPTS = 5
_log = logging.getLogger("tidegate.logs")


def emit_lambda_logs(
    func: dict[str, Any],
    request_id: str,
    log_text: str,
    error: bool,  # noqa: ARG001 the emulator passes it
    duration_ms: int,
    *,
    log_source: str | None = None,
) -> None:
    """Write one invocation's log as AWS does; without the permission, nothing is written."""
    config = func["config"]
    group = log_group(config)
    if not roles.allowed(config["Role"], "logs:PutLogEvents", _stream_arn(group)):
        _log.warning("%s may not write to %s", config["Role"], group)
        return
    version = config.get("Version", "$LATEST")
    report = f"Duration: {duration_ms} ms\tMemory Size: {config.get('MemorySize', 128)} MB"
    write(
        group,
        log_source or f"[{version}]",
        [
            f"START RequestId: {request_id} Version: {version}",
            *(log_text.split("\n") if log_text else []),
            f"END RequestId: {request_id}",
            f"REPORT RequestId: {request_id}\t{report}",
        ],
    )


def write(group: str, stream: str, lines: list[str]) -> None:
    """Append lines to a stream, creating group and stream, and pass every line on."""
    service = seams.load(_LOGS)
    now = time.time()
    stamp = int(now * 1000)
    target = _stream(service, group, stream, stamp)
    events = [{"timestamp": stamp, "message": line, "ingestionTime": stamp} for line in lines]
    service._append_log_events(target, events)
    if len(target["events"]) > 2 * _KEPT_EVENTS:
        target["events"] = target["events"][-_KEPT_EVENTS:]
    for line in lines:
        emf.publish(line, now)
    service._fanout_to_subscription_filters(group, stream, events)


class Subscriptions:
    """Deliver matching events to the functions that subscribed to a log group."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, queue.Queue[dict[str, Any]]] = {}

    def fan_out(self, group_name: str, stream_name: str, events: list[dict[str, Any]]) -> None:
        """Queue the events that match each filter of a group."""
        group = seams.load(_LOGS)._log_groups.get(group_name) or {}
        for name, chosen in (group.get("subscriptionFilters") or {}).items():
            destination = chosen.get("destinationArn", "")
            if ":function:" not in destination:
                continue
            matched = _matching(chosen.get("filterPattern"), events)
            if matched:
                self._queue(destination).put(
                    {
                        "group": group_name,
                        "stream": stream_name,
                        "filter": chosen.get("filterName", name),
                        "events": matched,
                    }
                )

    def _queue(self, destination: str) -> "queue.Queue[dict[str, Any]]":
        with self._lock:
            if destination not in self._queues:
                self._queues[destination] = queue.Queue()
                threading.Thread(target=self._deliver, args=(destination,), daemon=True).start()
            return self._queues[destination]

    def _deliver(self, destination: str) -> None:
        waiting = self._queues[destination]
        held: dict[str, Any] | None = None
        while True:
            batch = held or waiting.get()
            held = None
            while len(batch["events"]) < _BATCH and held is None:
                try:
                    following = waiting.get(timeout=0.05)
                except queue.Empty:
                    break
                if (following["group"], following["stream"], following["filter"]) == (
                    batch["group"],
                    batch["stream"],
                    batch["filter"],
                ):
                    batch["events"].extend(following["events"])
                else:
                    held = following
            _send(destination, batch)


def install() -> None:
    """Read filter patterns in full and deliver subscriptions in order."""
    seams.replace(_LOGS, "_fanout_to_subscription_filters", Subscriptions().fan_out)
    seams.replace(_LOGS, "_compile_filter_pattern", compile_pattern)


def _send(destination: str, batch: dict[str, Any]) -> None:
    emulator = seams.load(_LAMBDA)
    payload = {
        "messageType": "DATA_MESSAGE",
        "owner": destination.split(":")[4],
        "logGroup": batch["group"],
        "logStream": batch["stream"],
        "subscriptionFilters": [batch["filter"]],
        "logEvents": batch["events"],
    }
    data = base64.b64encode(gzip.compress(json.dumps(payload).encode())).decode()
    for attempt in range(_ATTEMPTS):
        record, config, name = emulator._get_func_record_for_ref(destination)
        if record is None:
            _log.warning("the subscription %s has no function %s", batch["filter"], name)
            return
        func = {**record, "config": config}
        event = {"awslogs": {"data": data}}
        if not emulator._execute_function_with_config_scope(func, event).get("error"):
            return
        time.sleep(0.5 * 2**attempt)
    _log.error("the subscription %s lost %d events", batch["filter"], len(batch["events"]))


def _matching(pattern: str | None, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        matches = compile_pattern(pattern)
    except PatternError as error:
        _log.error("a subscription filter is ignored: %s", error)
        return []
    return [
        {"id": uuid4().hex, "timestamp": e["timestamp"], "message": e["message"]}
        for e in events
        if matches(e["message"])
    ]


def _stream(service: Any, group: str, stream: str, stamp: int) -> dict[str, Any]:
    if group not in service._log_groups:
        service._log_groups[group] = {
            "arn": service._make_group_arn(group),
            "creationTime": stamp,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        }
    streams: dict[str, dict[str, Any]] = service._log_groups[group]["streams"]
    return streams.setdefault(
        stream,
        {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": stamp,
            "firstEventTimestamp": None,
            "lastEventTimestamp": None,
            "lastIngestionTime": None,
        },
    )


def _stream_arn(group: str) -> str:
    service = seams.load(_LOGS)
    return f"{service._make_group_arn(group).removesuffix(':*')}:log-stream:any"
