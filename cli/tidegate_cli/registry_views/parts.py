"""Parts of views: inert text, times, durations, digests, and tables of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tidegate.registry.service import Share
from tidegate.training.card.inert import HIDDEN, visible

LONGEST = 2000  # letters of one text
SHORT = 12  # letters of a digest
ROLE_STYLE = {"champion": "bold green", "challenger": "cyan"}


def text(value: object, style: str = "") -> Text:
    r"""Return one line of text that does nothing: no markup, no control characters.

    >>> text("[red]a[/]\x1b[2J").plain
    '[red]a[/]\ufffd[2J'
    """
    line = visible(value)
    return Text(line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…", style=style)


def source_line(line: str, style: str = "") -> Text:
    r"""Return a line of a file as it stands, indented too, without control characters.

    >>> source_line("\tx = 1\x07\n").plain
    '    x = 1\ufffd'
    """
    shown = line.removesuffix("\n").expandtabs(4)[:LONGEST]
    inert = "".join("\ufffd" if unicodedata.category(c) in HIDDEN else c for c in shown)
    return Text(inert, style=style)


def at(moment: datetime) -> str:
    """Return a moment for people, in UTC.

    >>> at(datetime.fromisoformat("2026-11-20T11:00:00.5+01:00"))
    '2026-11-20 10:00:00 UTC'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def cell_time(moment: datetime) -> Text:
    """Return a moment for a table whose header says that it is UTC."""
    return Text(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}")


def lasted(duration: timedelta) -> str:
    """Return a duration by its two largest units.

    >>> lasted(timedelta(days=2, hours=3, minutes=4)), lasted(timedelta(seconds=61))
    ('2 d 3 h', '1 min 1 s')
    >>> lasted(timedelta(milliseconds=5))
    '0 s'
    """
    seconds = int(duration.total_seconds())
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[tuple[int, str]] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append((count, name))
    kept = [f"{count} {name}" for count, name in parts[:2] if count]
    return " ".join(kept) or "0 s"


def short(digest: str) -> str:
    """Return the beginning of a digest."""
    return digest[:SHORT] or "unknown"


def share(one: Share) -> Text:
    """Return a share of the traffic, e.g. `champion 90 %`."""
    return Text(f"{one.role} {one.percent} %", style=ROLE_STYLE[one.role])


def table(*columns: str, whole: Iterable[str] = ()) -> Table:
    """Return an empty table in the style of the others; `whole` columns are never folded."""
    made = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in whole)
    return made


def row(into: Table, *cells: RenderableType | int) -> None:
    """Add a row; plain text becomes inert."""
    into.add_row(*(text(cell) if isinstance(cell, str | int) else cell for cell in cells))


def sections() -> Table:
    """Return a grid of a narrow column of words and a wide one of what they are about."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid
