"""The contract in model.toml: `[columns.<name>]`, `[target]`, `[time]` and the request limits.

Column order in the file is matrix order.
"""

from __future__ import annotations

import unicodedata
from typing import cast

from tidegate.contract import (
    FLOAT32_LIMIT,
    INTEGER_MAX,
    LONGEST_CLASS,
    MISSING,
    UNKNOWN,
    Column,
    ColumnType,
    Contract,
    Target,
    Task,
    UnknownPolicy,
)
from tidegate.project_file.section import Range, Section, show

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
TYPES: tuple[ColumnType, ...] = ("float", "integer", "boolean", "category")
MAX_COLUMNS = 1000
MAX_CATEGORIES = 10_000
MAX_ROWS = Range(1, 100_000)
# Lambda takes 6 MB per call, and the event wraps the body as escaped text.
MAX_BYTES = Range(1_000, 5_000_000)
PROBABILITY = Range(0, 1)
EXACT = Range(-INTEGER_MAX, INTEGER_MAX)
FLOAT32 = Range(-FLOAT32_LIMIT, FLOAT32_LIMIT)


def read_contract(top: Section, *, name: str) -> Contract:
    """Read everything that requests are validated by; faults go to the section's list."""
    task = cast(Task, top.choice("task", TASKS))
    target = _target(top.section("target", required=True), task)
    time_column = _time(top, target.column)
    columns = _columns(top, (("target", target.column), ("time", time_column)))
    serving = top.section("serving")
    threshold = serving.optional_number("threshold", PROBABILITY)
    if threshold is not None and task != "binary":
        serving.fault("threshold", f"only a binary task has a threshold, and this is {task}")
    return Contract(
        model=name,
        task=task,
        columns=columns,
        target=target,
        time_column=time_column,
        max_rows=serving.integer("max_rows", Contract.max_rows, MAX_ROWS),
        max_bytes=serving.integer("max_bytes", Contract.max_bytes, MAX_BYTES),
        threshold=Contract.threshold if threshold is None else threshold,
    )


def _time(top: Section, target: str) -> str:
    if not top.has("time"):
        top.asked.append("time")
        return ""
    section = top.section("time")
    column = section.text("column")
    if column and column == target:
        section.fault("column", f"{column!r} is the target already")
    section.done()
    return column


def _target(section: Section, task: Task) -> Target:
    column = section.text("column")
    minimum, maximum = _bounds(section, FLOAT32)
    classes = section.texts("classes", required=task != "regression")
    section.done()
    if task == "regression":
        if section.has("classes"):
            section.fault("classes", "a regression target has no classes; give minimum and maximum")
        return Target(column, (), minimum, maximum)
    for key in ("minimum", "maximum"):
        if section.has(key):
            section.fault(key, f"only a regression target has a {key}, and this is {task}")
    if classes:
        _check_classes(section, task, classes)
    return Target(column, classes)


def _check_classes(section: Section, task: Task, classes: tuple[str, ...]) -> None:
    if task == "binary" and len(classes) != 2:
        section.fault("classes", f"[negative, positive] is expected, not {len(classes)} class(es)")
    if task == "multiclass" and len(classes) < 3:
        section.fault("classes", 'at least 3 classes are expected; for two use task = "binary"')
    if len(classes) > MAX_CATEGORIES:
        section.fault("classes", f"at most {MAX_CATEGORIES} classes are expected")
    long = [(i, name) for i, name in enumerate(classes, start=1) if len(name) > LONGEST_CLASS]
    for i, name in long[:1]:
        rule = f"a class has at most {LONGEST_CLASS} characters, not {len(name)}"
        section.fault("classes", f"item {i}, {show(name)}: {rule}")


def _columns(top: Section, taken: tuple[tuple[str, str], ...]) -> tuple[Column, ...]:
    section = top.section("columns", required=True)
    section.asked.extend(section.raw)
    if top.has("columns") and not 1 <= len(section.raw) <= MAX_COLUMNS:
        top.fault("columns", f"1 to {MAX_COLUMNS} columns are expected, not {len(section.raw)}")
    for role, column in taken:
        if column and column in section.raw:
            section.fault(
                column, f"is the {role} column, so it can't be a feature: it would leak the answer"
            )
    _check_twins(section)
    return tuple(_column(section, name) for name in section.raw)


def _check_twins(section: Section) -> None:
    """Refuse names that read alike (NFKC, case): one of a pair is a mistake in data or file."""
    seen: dict[str, str] = {}
    for name in section.raw:
        plain = unicodedata.normalize("NFKC", name).casefold()
        if plain in seen:
            section.fault(name, f"reads like column {seen[plain]!r}")
        seen.setdefault(plain, name)


def _column(parent: Section, name: str) -> Column:
    section = parent.section(name)
    if not name or len(name) > 128 or not name.isprintable() or name != name.strip():
        section.fault("", "a column name is 1 to 128 printable characters without outer spaces")
    kind = cast(ColumnType, section.choice("type", TYPES))
    minimum, maximum = _bounds(section, EXACT if kind == "integer" else FLOAT32)
    column = Column(
        name=name,
        type=kind,
        minimum=minimum,
        maximum=maximum,
        categories=section.texts("categories", required=kind == "category"),
        unknown=cast(UnknownPolicy, section.choice("unknown", ("reject", "map"), "reject")),
        nullable=section.flag("nullable", default=False),
        pii=section.flag("pii", default=False),
        description=section.text("description", ""),
    )
    section.done()
    _check_column(section, column)
    return column


def _bounds(section: Section, within: Range) -> tuple[float | None, float | None]:
    minimum = section.optional_number("minimum", within)
    maximum = section.optional_number("maximum", within)
    if minimum is not None and maximum is not None and minimum > maximum:
        section.fault("minimum", f"{minimum:.12g} is above the maximum {maximum:.12g}")
    return minimum, maximum


def _check_column(section: Section, column: Column) -> None:
    if column.type == "category":
        _forbid(section, column, ("minimum", "maximum"), "number columns")
        _check_categories(section, column)
        return
    _forbid(section, column, ("categories", "unknown"), "category columns")
    if column.type == "boolean":
        _forbid(section, column, ("minimum", "maximum"), "number columns")
    for key in ("minimum", "maximum"):
        bound = section.raw.get(key)
        if column.type == "integer" and type(bound) is float:
            text = show(bound)
            section.fault(key, f"a whole number is expected for an integer column, not {text}")
        if column.type == "float" and type(bound) is int and FLOAT32.holds(bound):
            nearest = float(bound)
            if nearest != bound:
                section.fault(key, f"{bound} is no float64; the nearest is {nearest!r}")


def _forbid(section: Section, column: Column, keys: tuple[str, ...], owner: str) -> None:
    for key in keys:
        if section.has(key):
            section.fault(key, f"belongs to {owner}, and this column is of type {column.type}")


def _check_categories(section: Section, column: Column) -> None:
    for name in (MISSING, UNKNOWN):
        if name in column.categories:
            section.fault("categories", f'{name!r} is reserved; use nullable or unknown = "map"')
    if len(column.categories) > MAX_CATEGORIES:
        section.fault("categories", f"at most {MAX_CATEGORIES} categories are expected")
