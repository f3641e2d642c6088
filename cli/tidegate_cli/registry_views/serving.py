"""Views of what served: at a moment, and reign by reign."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tidegate.registry.service import Share, Term
from tidegate.registry.values import Event
from tidegate_cli.registry_questions import Made, ServedThen
from tidegate_cli.registry_views.parts import (
    at,
    cell_time,
    lasted,
    row,
    sections,
    share,
    short,
    table,
    text,
)
from tidegate_cli.tables import brief


def served_view(then: ServedThen) -> RenderableType:
    """Return what served at a moment, who brought it about, and what it was made from."""
    title = text(f"{then.model} at {at(then.time)}", "bold")
    if then.event is None:
        return Group(title, Text("nothing is recorded of the model before that time"))
    grid = sections()
    for one in then.shares:
        grid.add_row(share(one), _what(then, one))
    if then.reign is None:
        grid.add_row("champion", "none yet: no release had been promoted")
    if then.cause is not None:
        grid.add_row("brought by", _event(then.cause))
    if then.made is not None:
        grid.add_row("made from", made_line(then.made))
    return Group(title, grid)


def _what(then: ServedThen, one: Share) -> Text:
    more = f"release {one.release}"
    if one.role == "champion" and then.reign is not None:
        function, since = then.reign.function_version or "unknown", then.reign.since
        more += f", function version {function}, since {at(since)} ({lasted(then.time - since)})"
    elif then.release is not None:
        more += f", under way since {at(then.release.started)}"
    return Text.assemble(text(f"{then.model}@{one.version}", "bold"), "  ", text(more))


def _event(event: Event) -> Text:
    line = f"event {event.sequence} {event.kind}, {at(event.at)}, by {event.actor}"
    return text(f"{line}: {event.reason}" if event.reason else line)


def made_line(made: Made) -> Text:
    """Return in one line what a version was made from."""
    commit = f" (commit {made.git_commit[:12]})" if made.git_commit else ""
    changed = ", with uncommitted changes" if made.git_dirty else ""
    return text(
        f"{made.files:,} data file(s) of {made.rows:,} rows, data {short(made.data_digest)},"
        f" code {short(made.code_digest)}{commit}{changed},"
        f" environment {short(made.environment_digest)}"
    )


def history_table(terms: Iterable[Term], *, now: datetime) -> Table:
    """Return reigns, newest first: each began when the one above it had not begun yet."""
    whole = ("from (UTC)", "lasted", "version")
    shown = table(*whole, "how", whole=whole)
    for one in terms:
        reign = one.reign
        length = lasted((one.until or now) - reign.since)
        row(
            shown,
            cell_time(reign.since),
            length if one.until else Text(f"{length}, to now", style="green"),
            f"@{reign.version}",
            f"{reign.release}, function version {reign.function_version},"
            f" by {reign.actor}: {brief(reign.reason)}",
        )
    return shown


def log_table(events: Iterable[Event]) -> Table:
    """Return events with what traffic did after each."""
    whole = ("#", "at (UTC)", "event")
    shown = table(*whole, "subject", "by", "traffic after it", "reason", whole=whole)
    for event in events:
        cells = (event.sequence, cell_time(event.at), event.kind, event.subject, event.actor)
        row(shown, *cells, _traffic(event), brief(event.reason))
    return shown


def _traffic(event: Event) -> str:
    now = event.serving
    champion = f"@{now.champion}" if now.champion else "none"
    return f"{champion}, @{now.challenger} {now.weight} %" if now.challenger else champion
