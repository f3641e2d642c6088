"""View of two versions side by side."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tidegate.registry.difference import (
    Change,
    Difference,
    FileChange,
    FileState,
    MetricChange,
)
from tidegate_cli.code_difference import CodeDifference, FileDifference
from tidegate_cli.registry_views.parts import row, sections, short, source_line, table, text

LONGEST_VALUE = 200
MAX_FILES = 20  # rows of data files that are shown; the rest is counted
SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
STYLES = {"+": "green", "-": "red", "@": "cyan"}


def difference_view(
    found: Difference, code: CodeDifference | None, *, lines: bool
) -> RenderableType:
    """Return what differs; `code` is None when an archive is gone, `lines` shows the diff."""
    grid = sections()
    grid.add_row("data", _data(found))
    grid.add_row("code", _code(found, code))
    grid.add_row("parameters", _changes(found.params))
    grid.add_row("environment", _unknown(found.environment, found, "environment"))
    grid.add_row("contract", _unknown(found.contract, found, "contract"))
    grid.add_row("metrics", _metrics(found))
    grid.add_row("package", _size(found))
    title = text(f"{found.model}@{found.old} -> {found.model}@{found.new}", "bold")
    shown: list[RenderableType] = [title, grid]
    if lines and code is not None:
        shown += [*(line for one in code.files for line in _lines(one)), *_left_out(code)]
    return Group(*shown)


def _data(found: Difference) -> RenderableType:
    old, new = found.rows
    head = text(f"{old:,} -> {new:,} rows")
    if not found.files:
        return head.append(", the same files", "dim")
    shown = table("", "file", "rows", "bytes", "SHA-256")
    for one in found.files[:MAX_FILES]:
        pairs = (_pair(one, "rows"), _pair(one, "size"), _digests(one))
        row(shown, _sign(one.old, one.new), one.key, *pairs)
    more = len(found.files) - MAX_FILES
    rest = [text(f"and {more:,} more files", "dim")] if more > 0 else []
    return Group(head, shown, *rest)


def _sign(old: object, new: object) -> Text:
    """Return the mark of a change; None is what is not there."""
    kind = "added" if old is None else "removed" if new is None else "changed"
    return Text(*SIGNS[kind])


def _pair(one: FileChange, name: str) -> str:
    old, new = (f"{getattr(s, name):,}" if s is not None else "" for s in (one.old, one.new))
    return old if old == new else " -> ".join(part for part in (old, new) if part)


def _digests(one: FileChange) -> str:
    states: tuple[FileState | None, ...] = (one.old, one.new)
    return " -> ".join(short(state.digest) for state in states if state is not None)


def _code(found: Difference, code: CodeDifference | None) -> RenderableType:
    changes = _changes(found.code)
    if all(one.name != "digest" for one in found.code):
        return changes
    if code is None:
        gone = text("an archive is no longer stored, so the lines can't be told", "yellow")
        return Group(changes, gone)
    shown = table("", "file", "lines", "")
    for one in code.files:
        sign = Text(*SIGNS[one.kind])
        lines = "" if one.note else f"+{one.added} -{one.removed}"
        row(shown, sign, one.path, lines, one.note)
    return Group(changes, shown)


def _changes(changes: Iterable[Change]) -> RenderableType:
    shown = Table.grid(padding=(0, 2, 0, 0))
    for one in changes:
        values = f"{_value(one.old)} -> {_value(one.new)}"
        row(shown, _sign(one.old, one.new), one.name, values)
    return shown if shown.row_count else text("the same", "dim")


def _value(value: object) -> str:
    shown = "(none)" if value is None or value == "" else str(value)
    return shown if len(shown) <= LONGEST_VALUE else f"{shown[: LONGEST_VALUE - 1]}…"


def _unknown(changes: tuple[Change, ...] | None, found: Difference, name: str) -> RenderableType:
    if changes is not None:
        return _changes(changes)
    digests = [one for one in found.digests if one.name == name]
    if not digests:
        return text("the same", "dim")
    gone = text("a package is no longer stored, so only the digests can be told", "yellow")
    return Group(_changes(digests), gone)


def _metrics(found: Difference) -> Table:
    shown = table("", f"@{found.old}", f"@{found.new}", "difference", "")
    for one in found.metrics:
        row(shown, one.name, _number(one.old), _number(one.new), _moved(one), _judged(one))
    return shown


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _moved(one: MetricChange) -> str:
    return "" if one.difference is None else f"{one.difference:+.6g}"


def _judged(one: MetricChange) -> Text:
    if one.better is None:
        return Text("")
    return Text("better", "green") if one.better else Text("worse", "red")


def _size(found: Difference) -> Text:
    old, new = found.sizes
    digests = {one.name: one for one in found.digests}
    if "package" not in digests:
        return text(f"{new:,} bytes, the same", "dim")
    change = digests["package"]
    return text(f"{old:,} -> {new:,} bytes, {short(str(change.old))} -> {short(str(change.new))}")


def _lines(one: FileDifference) -> Iterable[Text]:
    return (source_line(line, STYLES.get(line[:1], "")) for line in one.lines)


def _left_out(code: CodeDifference) -> list[Text]:
    return [text(f"and {code.left_out:,} more lines", "yellow")] if code.left_out else []
