"""Aliases: let the weights of an alias decide which version answers, call by call.

The emulator stores `RoutingConfig` and ignores it. An alias becomes a version in two places: the
Invoke API, and the look-up by ARN that HTTP APIs, events, schedules and state machines share. Reads
of the configuration keep answering with the alias's own version, as on AWS.
"""

import contextvars
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import seams

_chance = random.SystemRandom().random

_LAMBDA = "ministack.services.lambda_svc"
_invoked: contextvars.ContextVar[str | None] = contextvars.ContextVar("invoked", default=None)


@dataclass(frozen=True)
class Called:
    """How a caller named a function: the alias or version it used, and the ARN of that."""

    function: str
    qualifier: str | None
    arn: str


def called(config: dict[str, Any]) -> Called:
    """Tell from a version's configuration how the running call named it."""
    function = str(config["FunctionName"])
    base = str(config["FunctionArn"]).split(f":function:{function}")[0] + f":function:{function}"
    qualifier = config.get("TidegateAlias") or _invoked.get()
    if qualifier is None:
        suffix = str(config["FunctionArn"]).removeprefix(base).removeprefix(":")
        qualifier = suffix or None
    return Called(function, qualifier, f"{base}:{qualifier}" if qualifier else base)


def draw(func: dict[str, Any], qualifier: str | None, chance: float) -> str | None:
    """Choose the version behind an alias; `chance` is uniform in [0, 1).

    >>> func = {"aliases": {"live": {"FunctionVersion": "1", "RoutingConfig":
    ...     {"AdditionalVersionWeights": {"2": 0.1}}}}}
    >>> draw(func, "live", 0.05), draw(func, "live", 0.5), draw(func, "1", 0.5)
    ('2', '1', None)
    """
    alias = func.get("aliases", {}).get(qualifier)
    if alias is None:
        return None
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for version, weight in weights.items():
        if chance < weight:
            return str(version)
        chance -= weight
    return str(alias.get("FunctionVersion", "$LATEST"))


def install() -> None:
    """Draw by weight on the Invoke API and on every look-up for execution."""
    emulator = seams.load(_LAMBDA)
    by_reference, invoke = emulator._get_func_record_for_ref, emulator._invoke

    def get_record(function_ref: str) -> Any:
        record, config, name = by_reference(function_ref)
        _, qualifier = emulator._resolve_name_and_qualifier(function_ref)
        version = _drawn(emulator, name, qualifier)
        if record is None or version is None:
            return record, config, name
        if version != "$LATEST":
            record = emulator._functions[name]["versions"].get(version, record)
        # API Gateway and others execute exactly this configuration: it carries the alias along
        return record, {**record["config"], "TidegateAlias": qualifier}, name

    async def invoke_drawn(
        name: str,
        event: Any,
        headers: dict[str, str],
        path_qualifier: str | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> Any:
        qualifier = path_qualifier or _first(query_params, "Qualifier")
        version = _drawn(emulator, name, qualifier)
        with _invoked_as(qualifier if version else None):
            return await invoke(name, event, headers, version or path_qualifier, query_params)

    seams.replace(_LAMBDA, "_get_func_record_for_ref", get_record)
    seams.replace(_LAMBDA, "_invoke", invoke_drawn)


def _drawn(emulator: Any, name: str, qualifier: str | None) -> str | None:
    return draw(emulator._functions.get(name) or {}, qualifier, _chance())


@contextmanager
def _invoked_as(qualifier: str | None) -> Iterator[None]:
    token = _invoked.set(qualifier)
    try:
        yield
    finally:
        _invoked.reset(token)


def _first(query: dict[str, Any] | None, name: str) -> str | None:
    value = (query or {}).get(name)
    return value[0] if isinstance(value, list) and value else value or None
