"""Lineage as a picture: complete, folded where it would be long, and inert."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from tests.fakes import made
from tests.fakes.hostile import HOSTILE
from tidegate.registry.values import Input, Origin, Version
from tidegate_cli.report.lineage_svg import MAX_FILES, MAX_PARAMS, WIDTH, lineage_svg

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # Unicode's categories
SVG = "{http://www.w3.org/2000/svg}"


def version(text: str = "word", *, parent: int = 2, params: int = 3) -> Version:
    lineage = replace(
        made.lineage(parent),
        params={f"{text}{number}": text for number in range(params)},
        git_commit=text,
        git_dirty=True,
        image=text,
        training_job=text,
    )
    found = Version(
        model="iris",
        number=3,
        status="approved",
        package_digest=made.digest("a"),
        package_size=10,
        contract_digest=made.digest("b"),
        created=made.START,
        created_by="ann",
        run=text,
        lineage=lineage,
        metrics={},
        gates=(),
    )
    origin = Origin(text, "1", "r", 7, "", made.START, "", "", "", "", "", "")
    return replace(found, origin=origin)


def files(count: int, text: str = "word") -> tuple[Input, ...]:
    return tuple(
        Input("iris", 3, "data", i, made.digest("d"), f"data/iris/{text}-{i}.csv.gz", "v", 10, 3)
        for i in range(count)
    )


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in ET.fromstring(svg).iter(f"{SVG}text")]


def shape(svg: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.tag, tuple(one.attrib)) for one in ET.fromstring(svg).iter()]


def test_everything_that_made_a_version_is_drawn() -> None:
    found = texts(lineage_svg(version(), files(2)))
    for word in (
        *("word-0.csv.gz", "word-1.csv.gz", "3 rows, 10 bytes", "2 file(s)", "d" * 16, "c" * 16),
        *("e" * 16, "seed = 0", "word0 = word", "commit word", "with uncommitted changes", "word"),
        *("iris@2", "iris@3", "champion at that time", f"package {'a' * 16}"),
        "from word, version 7",
    ):
        assert word in found, word


def test_the_first_version_has_no_champion_beside_it() -> None:
    assert "champion at that time" not in texts(lineage_svg(version(parent=0), files(1)))


def test_long_lists_are_folded_and_counted() -> None:
    svg = lineage_svg(version(params=MAX_PARAMS + 5), files(MAX_FILES + 112))
    found = texts(svg)
    assert found.count("data file") == MAX_FILES
    assert "and 112 more" in found
    assert f"{112 * 3} rows, 1,120 bytes" in found
    assert "and 5 more" in found
    many = len(texts(lineage_svg(version(params=500), files(5000))))
    assert many == len(found)


@pytest.mark.parametrize("count", [0, 1, 300])
def test_every_box_lies_within_the_picture_and_none_over_another(count: int) -> None:
    root = ET.fromstring(lineage_svg(version(params=20), files(count)))
    width, height = (float(n) for n in root.attrib["viewBox"].split()[2:])
    boxes = [
        tuple(float(one.attrib[key]) for key in ("x", "y", "width", "height"))
        for one in root.iter(f"{SVG}rect")
    ]
    for x, y, wide, high in boxes:
        assert 0 <= x <= x + wide <= width
        assert 0 <= y <= y + high <= height
    for x in {box[0] for box in boxes}:
        column = sorted((y, y + high) for left, y, _, high in boxes if left == x)
        assert all(upper[1] < lower[0] for upper, lower in pairwise(column))


def test_a_long_name_keeps_its_beginning_and_its_end_and_is_told_whole() -> None:
    name = "b" * 40 + "middle" + "e" * 40
    svg = lineage_svg(version(name), files(1))
    shown = [text for text in texts(svg) if text.startswith("bbb") and "…" in text]
    assert shown
    assert all(len(text) * 7 < WIDTH and text.endswith("eee") for text in shown if "=" not in text)
    assert any("middle" in (one.text or "") for one in ET.fromstring(svg).iter(f"{SVG}title"))


@given(HOSTILE)
@settings(max_examples=100, deadline=None)
def test_hostile_text_draws_the_shape_of_a_harmless_picture(text: str) -> None:
    svg = lineage_svg(version(text), files(3, text))
    assert shape(svg) == shape(lineage_svg(version("word"), files(3)))
    assert {unicodedata.category(c) for c in svg.replace("\n", "")}.isdisjoint(HIDDEN)
