"""One environment of `cdk.json`, typed: `context.environments.<env>` -> `StageSettings`.

`maturity` says how much runs by itself; each level adds to the one before:

1 serve    train and release when someone asks; the canary judges every release
2 watch    monitors run on their schedules, findings are reported
3 alert    alarms and events reach the alert topic's subscribers
4 act      confirmed drift reaches the governor, which may start a training
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast

from tidegate.errors import ProjectError
from tidegate.settings import ENVIRONMENTS

FILE = "cdk.json"
Architecture = Literal["arm64", "x86_64"]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
AWS_PYTHONS = ("3.12", "3.13", "3.14")  # Amazon Linux 2023; older runtimes lack glibc 2.28
LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653)
WATCH, ALERT, ACT = 2, 3, 4

_TAG_VALUE = re.compile(r"[\w .:/=+@-]{1,256}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Throttle:
    """Requests per second that the API lets through, steadily and in a burst."""

    rate: int
    burst: int


@dataclass(frozen=True)
class StageSettings:
    """What distinguishes one environment from another; everything else is the same template."""

    env: str
    account: str  # empty: whatever the credentials say
    region: str
    architecture: Architecture
    python: str
    maturity: int
    protect: bool  # retain data, refuse deletion, protect stacks from termination
    retention_days: int  # of a training run's intermediate files
    log_retention_days: int
    throttle: Throttle
    time_scale: float  # length of an hour: 1 everywhere but in the local cloud
    training_image: str
    alert_emails: tuple[str, ...]
    owner: str
    cost_center: str
    tags: dict[str, str]
    batch_buckets: tuple[str, ...]  # what batch jobs may use beside the environment's own

    @property
    def is_local(self) -> bool:
        """Whether this is the local cloud."""
        return self.env == "local"

    def at_least(self, maturity: int) -> bool:
        """Tell whether the environment has reached a level of maturity."""
        return self.maturity >= maturity

    def on_host(self, *, architecture: str | None, python: str | None) -> StageSettings:
        """Return the local environment for the machine that its Lambda workers run on."""
        if not self.is_local:
            return self
        chosen = replace(
            self,
            architecture=cast("Architecture", architecture or self.architecture),
            python=python or self.python,
        )
        _check_values(chosen, "context")
        return chosen


def read_stage(environments: object, env: str) -> StageSettings:
    """Read `environments.<env>`; raise `ProjectError` naming the dotted key that is wrong."""
    known = _table(environments, "environments")
    for name in known:
        if name not in ENVIRONMENTS:
            raise _error(f"environments.{name}", f"unknown; expected {_one_of(ENVIRONMENTS)}")
    if env not in ENVIRONMENTS:
        raise ProjectError("-c env", "", f"{env!r} is unknown; expected {_one_of(ENVIRONMENTS)}")
    if env not in known:
        raise _error(f"environments.{env}", "missing; expected a table")
    where = f"environments.{env}"
    raw = _keys(known[env], where, [f.name for f in fields(StageSettings) if f.name != "env"])
    stage = StageSettings(env=env, **{key: _READ[key](raw[key], f"{where}.{key}") for key in raw})
    _check_values(stage, where)
    return stage


def _check_values(stage: StageSettings, where: str) -> None:
    """Refuse what has the right type and still cannot be deployed."""
    rules: list[tuple[str, bool, str]] = [
        ("account", re.fullmatch(r"(\d{12})?", stage.account) is not None, "12 digits or empty"),
        ("region", re.fullmatch(r"([a-z]{2}(-[a-z]+)+-\d)?", stage.region) is not None,
         "a region such as eu-central-1, or empty"),
        ("architecture", stage.architecture in ("arm64", "x86_64"), "'arm64' or 'x86_64'"),
        ("python", stage.python in (PYTHONS if stage.is_local else AWS_PYTHONS),
         _one_of(PYTHONS if stage.is_local else AWS_PYTHONS)),
        ("maturity", 1 <= stage.maturity <= ACT, f"a number from 1 to {ACT}"),
        ("retention_days", 1 <= stage.retention_days <= 3650, "1 to 3650"),
        ("log_retention_days", stage.log_retention_days in LOG_RETENTION_DAYS,
         _one_of(LOG_RETENTION_DAYS)),
        ("throttle.rate", 1 <= stage.throttle.rate <= 10_000, "1 to 10000"),
        ("throttle.burst", stage.throttle.rate <= stage.throttle.burst <= 20_000,
         "at least throttle.rate, at most 20000"),
        ("time_scale", 0 < stage.time_scale <= 1, "above 0, at most 1"),
        ("time_scale", stage.is_local or stage.time_scale == 1, "1 outside the local cloud"),
        ("training_image", re.fullmatch(r"\S+[:@](?!latest$)\S+", stage.training_image) is not None,
         "a container image with a tag other than latest, or a digest"),
        ("alert_emails", all(_EMAIL.fullmatch(mail) for mail in stage.alert_emails),
         "e-mail addresses"),
        ("batch_buckets", all(_BUCKET.fullmatch(name) for name in stage.batch_buckets),
         "names of buckets, without s3:// and without *"),
        ("owner", _TAG_VALUE.fullmatch(stage.owner) is not None, "a tag value"),
        ("cost_center", _TAG_VALUE.fullmatch(stage.cost_center) is not None, "a tag value"),
    ]  # fmt: skip
    for key, holds, expected in rules:
        if not holds:
            raise _error(f"{where}.{key}", f"expected {expected}")
    for tag, value in stage.tags.items():
        if tag.startswith(("aws:", "tidegate:")) or not _TAG_VALUE.fullmatch(f"{tag}={value}"):
            raise _error(f"{where}.tags.{tag}", "expected a tag outside aws: and tidegate:")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _error(where, f"expected a string, found {_shown(value)}")
    return value


def _integer(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _error(where, f"expected a whole number, found {_shown(value)}")
    return value


def _number(value: object, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _error(where, f"expected a number, found {_shown(value)}")
    return float(value)


def _switch(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _error(where, f"expected true or false, found {_shown(value)}")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _error(where, f"expected a list of strings, found {_shown(value)}")
    return tuple(_text(item, f"{where}[{index}]") for index, item in enumerate(value))


def _text_table(value: object, where: str) -> dict[str, str]:
    return {key: _text(item, f"{where}.{key}") for key, item in _table(value, where).items()}


def _throttle(value: object, where: str) -> Throttle:
    raw = _keys(value, where, ["rate", "burst"])
    return Throttle(**{key: _integer(raw[key], f"{where}.{key}") for key in raw})


_READ: dict[str, Any] = {  # each reader's answer has the type of the field that it is named for
    "account": _text,
    "region": _text,
    "architecture": _text,
    "python": _text,
    "maturity": _integer,
    "protect": _switch,
    "retention_days": _integer,
    "log_retention_days": _integer,
    "throttle": _throttle,
    "time_scale": _number,
    "training_image": _text,
    "alert_emails": _texts,
    "owner": _text,
    "cost_center": _text,
    "tags": _text_table,
    "batch_buckets": _texts,
}


def _keys(value: object, where: str, expected: list[str]) -> Mapping[str, object]:
    """Return a table that has exactly the expected keys."""
    table = _table(value, where)
    for key in table:
        if key not in expected:
            raise _error(f"{where}.{key}", f"unknown; expected {_one_of(sorted(expected))}")
    for key in expected:
        if key not in table:
            raise _error(f"{where}.{key}", "missing")
    return table


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _error(where, f"expected a table, found {_shown(value)}")
    return value


def _one_of(values: object) -> str:
    return "one of " + ", ".join(str(value) for value in cast("list[object]", values))


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)


def _error(key: str, expected: str) -> ProjectError:
    return ProjectError(FILE, key, expected)
