"""The rest of model.toml: training, holdout, gates, serving, release, monitor, governor, card.

Defaults are those of the dataclasses in `tidegate.project`; this module adds what each may be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from tidegate.contract import Contract, Task
from tidegate.project import (
    Card,
    Gate,
    GovernorPolicy,
    Holdout,
    MonitorPolicy,
    ReleasePolicy,
    Serving,
    Training,
)
from tidegate.project_file.metric_names import METRIC_NAMES, MetricName
from tidegate.project_file.section import Range, Section

Hint = Any  # a type as the typing module spells it, or a value of that type
P = TypeVar("P", Serving, ReleasePolicy, MonitorPolicy, GovernorPolicy, Training)

SHARE = Range(0, 1)
COUNT = Range(1, 1_000_000_000)
DAY_MINUTES = 1440
RANGES: dict[type, dict[str, Range]] = {
    Training: {
        "max_minutes": Range(1, 28 * DAY_MINUTES),  # SageMaker's longest run
        "seed": Range(0, 2**32 - 1),  # what numpy and scikit-learn take
    },
    Serving: {
        "memory_mb": Range(128, 10_240),  # Lambda
        "timeout_seconds": Range(1, 29),  # an HTTP API gives up after 30
        "flush_seconds": Range(1, 3600),
        "flush_rows": Range(1, 1_000_000),
        "sample_share": SHARE,
    },
    ReleasePolicy: {
        "bake_minutes": Range(0, 7 * DAY_MINUTES, above=True),
        "min_rows": COUNT,
        "max_holds": Range(0, 1000),
        "max_prediction_shift": Range(0, 100, above=True),
        "max_error_rate": SHARE,
    },
    MonitorPolicy: {
        "every_minutes": Range(1, DAY_MINUTES),
        "min_rows": COUNT,
        "confirm": Range(1, 100),
        "of": Range(1, 100),
        "effect_floor": SHARE,
        "max_performance_drop": SHARE,
    },
    GovernorPolicy: {
        "cooldown_hours": Range(0, 365 * 24),
        "max_null_rate_rise": SHARE,
    },
}
PERCENT = Range(1, 100)
FUNCTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*\.py:[A-Za-z_][A-Za-z0-9_]*")
INSTANCE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9]+")


def read_policy(section: Section, kind: type[P]) -> P:
    """Read the plain keys of a policy: each field by its type, its range and its default."""
    values: dict[str, Any] = {}
    hints, defaults = get_type_hints(kind), kind()
    for field in fields(kind):
        hint, default = hints[field.name], getattr(defaults, field.name)
        origin: object = get_origin(hint)
        if origin in (tuple, dict) or hint is str:
            continue  # these have rules of their own
        values[field.name] = _read(section, field.name, hint, default, RANGES[kind])
    return kind(**values)


def _read(
    section: Section, key: str, hint: Hint, default: Hint, ranges: Mapping[str, Range]
) -> object:
    origin: object = get_origin(hint)
    if origin is Literal:
        return section.choice(key, get_args(hint), default)
    if hint is bool:
        return section.flag(key, default)
    if hint is int:
        return section.integer(key, default, ranges[key])
    return section.number(key, default, ranges[key])


def read_training(top: Section) -> Training:
    """Read `[training]`."""
    section = top.section("training")
    plain = read_policy(section, Training)
    entry = read_function(section, "entry", Training.entry)
    instance = section.text("instance", Training.instance)
    if not INSTANCE.fullmatch(instance):
        section.fault("instance", f'a SageMaker instance like "ml.m5.large", not {instance!r}')
    params = section.scalars("params")
    section.done()
    return Training(entry, instance, plain.spot, plain.max_minutes, plain.seed, params)


def read_function(section: Section, key: str, default: str) -> str:
    """Read the address of a function in the folder, `file.py:function`."""
    value = section.text(key, default)
    if value and (not FUNCTION.fullmatch(value) or ".." in value):
        expected = '"file.py:function" with the file inside the folder is expected'
        section.fault(key, f"{expected}, not {value!r}")
        return ""
    return value


def read_holdout(top: Section, contract: Contract) -> Holdout:
    """Read `[holdout]`."""
    section = top.section("holdout")
    kind = section.choice("kind", ("latest", "random"), Holdout.kind)
    days = section.optional_number("days", Range(0, 36_500, above=True))
    fraction = section.number("fraction", Holdout.fraction, Range(0.001, 0.9))
    section.done()
    if kind == "random":
        if section.has("days"):
            section.fault("days", 'belongs to kind = "latest"; a random holdout has a fraction')
        return Holdout("random", fraction=fraction)
    if section.has("fraction"):
        section.fault("fraction", 'belongs to kind = "random"; the latest rows are given in days')
    if not section.has("days"):
        section.fault("days", 'this key is missing; kind = "latest" needs it')
    if not contract.time_column:
        section.fault("kind", '"latest" needs a time column; add [time] column = "..."')
    return Holdout("latest", days=days or 1.0)


def read_gates(top: Section, task: Task) -> tuple[Gate, ...]:
    """Read `[[gates]]`; at least one, for a model without a gate would release anything."""
    metrics = {metric.name: metric for metric in METRIC_NAMES[task]}
    gates: list[Gate] = []
    for section in top.sections("gates"):
        gate = _gate(section, metrics)
        if gate.metric in [g.metric for g in gates]:
            section.fault("metric", f"{gate.metric!r} has a gate already; put its bounds together")
        gates.append(gate)
        section.done()
    if not gates and not isinstance(top.raw.get("gates"), dict):
        first = METRIC_NAMES[task][0].name
        top.fault("gates", f'at least one is expected, e.g. [[gates]] with metric = "{first}"')
    return tuple(gates)


def _gate(section: Section, metrics: Mapping[str, MetricName]) -> Gate:
    metric = metrics[section.choice("metric", tuple(metrics))]
    if not section.has("metric"):
        section.fault("metric", f"this key is missing; one of {', '.join(metrics)}")
    bounds = Range(metric.low, metric.high)
    minimum = section.optional_number("minimum", bounds)
    maximum = section.optional_number("maximum", bounds)
    regression = section.optional_number("max_regression", Range(0))
    if not any(section.has(key) for key in ("minimum", "maximum", "max_regression")):
        section.fault("", "a bound is expected: minimum, maximum or max_regression")
    if minimum is not None and maximum is not None and minimum > maximum:
        section.fault("minimum", f"{minimum:.12g} is above the maximum {maximum:.12g}")
    return Gate(metric.name, minimum, maximum, regression)


def read_serving(top: Section) -> Serving:
    """Read `[serving]`, whose request limits the contract has read already."""
    section = top.section("serving")
    section.asked.extend(("max_rows", "max_bytes", "threshold"))
    serving = read_policy(section, Serving)
    section.done()
    return serving


def read_release(top: Section) -> ReleasePolicy:
    """Read `[release]`."""
    section = top.section("release")
    plain = read_policy(section, ReleasePolicy)
    steps = section.integers("steps", ReleasePolicy.steps, PERCENT)
    if list(steps) != sorted(set(steps)) or steps[-1] != 100:
        section.fault("steps", f"increasing percentages ending in 100, not {list(steps)}")
    section.done()
    values = {f.name: getattr(plain, f.name) for f in fields(plain)}
    return ReleasePolicy(**{**values, "steps": steps})


def read_monitor(top: Section) -> MonitorPolicy:
    """Read `[monitor]`."""
    section = top.section("monitor")
    monitor = read_policy(section, MonitorPolicy)
    section.done()
    if monitor.confirm > monitor.of:
        section.fault("confirm", f"{monitor.confirm} of {monitor.of} looks can't be reached")
    return monitor


def read_governor(top: Section) -> GovernorPolicy:
    """Read `[governor]`."""
    section = top.section("governor")
    governor = read_policy(section, GovernorPolicy)
    section.done()
    return governor


def read_card(top: Section) -> Card:
    """Read `[card]`: what people say of the model; every key may be left out."""
    section = top.section("card")
    card = Card(
        purpose=section.text("purpose", ""),
        not_for=section.texts("not_for"),
        limits=section.texts("limits"),
    )
    section.done()
    return card
