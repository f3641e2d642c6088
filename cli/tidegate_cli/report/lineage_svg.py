"""Lineage as a picture: data files -> dataset; dataset, code, ... -> run -> version <- champion.

A pure function of values; all text is inert, and the picture needs neither script nor font nor
style sheet of its surroundings.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from tidegate.registry.values import Input, Version
from tidegate.training.card.inert import visible

MAX_FILES = 8
MAX_PARAMS = 8
LETTERS, BOLD_LETTERS = 30, 27  # of one line in a box
HINT = 400  # letters of the text that pointing at a box shows
WIDTH, GAP, MARGIN = 236, 64, 12
LINE, PAD, BETWEEN = 17, 10, 14
SVG = "http://www.w3.org/2000/svg"
STYLE = """
.lg { font: 12px ui-sans-serif, system-ui, sans-serif; --ink: #1d2733; --dim: #5d6b7a;
  --box: #f6f8fa; --edge: #c3ccd6; --main: #0b6e75; --tint: #e3f2f2; }
.lg-box { fill: var(--box); stroke: var(--edge); }
.lg-main .lg-box { fill: var(--tint); stroke: var(--main); }
.lg-kind { fill: var(--dim); font-size: 10px; letter-spacing: .06em; }
.lg-name { fill: var(--ink); font-weight: 600; }
.lg-more { fill: var(--dim); font-family: ui-monospace, monospace; font-size: 11px; }
.lg-edge { fill: none; stroke: var(--edge); stroke-width: 1.5; }
@media screen and (prefers-color-scheme: dark) {
  .lg { --ink: #e4e9ee; --dim: #93a1b0; --box: #1b222b; --edge: #3d4a58; --main: #4fb3b9;
    --tint: #14343a; }
}
"""


@dataclass(frozen=True)
class Box:
    """One thing: its kind, its name, further lines; `main` is what the picture is about."""

    kind: str
    name: str
    lines: tuple[str, ...] = ()
    main: bool = False

    @property
    def height(self) -> int:
        """In pixels."""
        return 2 * PAD + LINE * (2 + len(self.lines)) - 4


@dataclass(frozen=True)
class Placed:
    """A box at its place."""

    box: Box
    x: int
    y: int

    @property
    def middle(self) -> float:
        """Of its height."""
        return self.y + self.box.height / 2


def lineage_svg(version: Version, inputs: Iterable[Input]) -> str:
    """Return what made a version as an SVG document of its own, or to be put into a page.

    `inputs` are those of the registry; of many data files some are drawn and the others counted.
    """
    columns = _columns(version, tuple(inputs))
    tallest = max(sum(box.height + BETWEEN for box in column) for column in columns)
    placed = [_place(column, number, tallest) for number, column in enumerate(columns)]
    files, sources, runs, results = placed
    edges = [(file, sources[0]) for file in files]
    edges += [(source, runs[0]) for source in sources]
    edges += [(runs[0], results[-1])]
    width = MARGIN * 2 + WIDTH * len(columns) + GAP * (len(columns) - 1)
    svg = _svg(version, width, tallest + 2 * MARGIN - BETWEEN)
    for start, end in edges:
        _edge(svg, _curve(start, end))
    if len(results) > 1:
        _edge(svg, _line_down(*results))
    for one in (one for column in placed for one in column):
        _draw(svg, one)
    return ET.tostring(svg, encoding="unicode")


def _columns(version: Version, inputs: tuple[Input, ...]) -> tuple[list[Box], ...]:
    run = Box("run", version.run or "unknown", _known(version.lineage.training_job))
    return _files(inputs), _sources(version, inputs), [run], _results(version)


def _files(inputs: tuple[Input, ...]) -> list[Box]:
    files = [one for one in inputs if one.kind == "data"]
    shown = [_file(one) for one in files[:MAX_FILES]]
    more = files[MAX_FILES:]
    if more:
        size, rows = sum(one.size for one in more), sum(one.rows for one in more)
        shown.append(
            Box("data files", f"and {len(more):,} more", (f"{rows:,} rows, {size:,} bytes",))
        )
    return shown


def _file(one: Input) -> Box:
    name = one.key.rpartition("/")[2]
    return Box("data file", name, (f"{one.rows:,} rows, {one.size:,} bytes", _short(one.digest)))


def _sources(version: Version, inputs: tuple[Input, ...]) -> list[Box]:
    lineage = version.lineage
    count = sum(one.kind == "data" for one in inputs)
    commit = f"commit {lineage.git_commit[:12]}" if lineage.git_commit else ""
    changed = "with uncommitted changes" if lineage.git_dirty else ""
    params = [f"{name} = {value}" for name, value in sorted(lineage.params.items())]
    more = len(params) - MAX_PARAMS
    shown = [*params[:MAX_PARAMS], *([f"and {more} more"] if more > 0 else [])]
    boxes = [
        Box("dataset", _short(lineage.data_digest), (f"{count:,} file(s)",)),
        Box("code", _short(lineage.code_digest), _known(commit, changed)),
        Box("parameters", f"seed = {lineage.seed}", tuple(shown)),
        Box("environment", _short(lineage.environment_digest)),
    ]
    return [*boxes, Box("image", lineage.image)] if lineage.image else boxes


def _results(version: Version) -> list[Box]:
    made = Box("version", f"{version.model}@{version.number}", _made(version), main=True)
    parent = version.lineage.parent
    if not parent:
        return [made]
    return [Box("champion at that time", f"{version.model}@{parent}"), made]


def _made(version: Version) -> tuple[str, ...]:
    origin = version.origin
    came = f"from {origin.env}, version {origin.version}" if origin else ""
    return _known(f"package {_short(version.package_digest)}", came)


def _known(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


def _short(digest: str) -> str:
    return digest[:16] or "unknown"


def _place(column: list[Box], number: int, tallest: int) -> list[Placed]:
    x = MARGIN + number * (WIDTH + GAP)
    y = MARGIN + (tallest - sum(box.height + BETWEEN for box in column)) // 2
    placed = []
    for box in column:
        placed.append(Placed(box, x, y))
        y += box.height + BETWEEN
    return placed


def _svg(version: Version, width: int, height: int) -> ET.Element:
    svg = ET.Element(
        "svg", {"xmlns": SVG, "class": "lg", "role": "img", "viewBox": f"0 0 {width} {height}"}
    )
    title = ET.SubElement(svg, "title")
    title.text = visible(f"What made {version.model}@{version.number}")
    ET.SubElement(svg, "style").text = STYLE
    return svg


def _curve(start: Placed, end: Placed) -> str:
    x, far = start.x + WIDTH, end.x
    bend = (x + far) / 2
    from_y, to_y = start.middle, end.middle
    return f"M{x} {from_y:g}C{bend:g} {from_y:g} {bend:g} {to_y:g} {far} {to_y:g}"


def _line_down(upper: Placed, lower: Placed) -> str:
    return f"M{upper.x + WIDTH // 2} {upper.y + upper.box.height}V{lower.y}"


def _edge(svg: ET.Element, path: str) -> None:
    ET.SubElement(svg, "path", {"class": "lg-edge", "d": path})


def _draw(svg: ET.Element, one: Placed) -> None:
    group = ET.SubElement(svg, "g", {"class": "lg-main"} if one.box.main else {})
    size = {"width": str(WIDTH), "height": str(one.box.height), "rx": "6"}
    ET.SubElement(group, "rect", {"class": "lg-box", "x": str(one.x), "y": str(one.y), **size})
    ET.SubElement(group, "title").text = visible(" · ".join((one.box.name, *one.box.lines)))[:HINT]
    styles = ["lg-kind", "lg-name", *("lg-more" for _ in one.box.lines)]
    texts = [one.box.kind, one.box.name, *one.box.lines]
    for number, (style, text) in enumerate(zip(styles, texts, strict=True)):
        longest = BOLD_LETTERS if style == "lg-name" else LETTERS
        place = {"x": str(one.x + PAD + 2), "y": str(one.y + PAD + 8 + LINE * number)}
        ET.SubElement(group, "text", {"class": style, **place}).text = _fitted(text, longest)


def _fitted(text: str, longest: int) -> str:
    """Return text that fits a box: of what is too long, its beginning and its end."""
    line = visible(text)
    if _length(line) <= longest:
        return line
    head, tail = line[:longest], line[-longest:]
    while _length(head) > longest * 2 // 3:
        head = head[:-1]
    while _length(tail) > longest // 3 - 1:
        tail = tail[1:]
    return f"{head}…{tail}"


def _length(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
