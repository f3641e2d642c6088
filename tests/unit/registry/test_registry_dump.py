"""Dumps: what goes out comes back the same, and nothing else is ever let in."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.dumps import dumped, fill, loaded
from tests.fakes.made import START
from tests.fakes.raw_rows import MemoryRows, raw_of
from tests.fakes.registry_store import FakeRegistryStore
from tidegate.errors import (
    CorruptRecordError,
    ImmutableError,
    NotFoundError,
    RegistryConflictError,
)
from tidegate.registry import rows
from tidegate.registry.dump_file import Header, trailer
from tidegate.registry.dump_rows import listing, row_of, to_line
from tidegate.registry.importing import check
from tidegate.registry.values import Event, Meta, Record, Serving, Version


@pytest.fixture(scope="module")
def made() -> MemoryRows:
    return MemoryRows.of(fill(FakeRegistryStore()))


@pytest.fixture
def table(made: MemoryRows) -> MemoryRows:
    copy = MemoryRows()
    copy.items = {place: json.loads(json.dumps(raw)) for place, raw in made.items.items()}
    return copy


def test_a_round_trip_gives_the_same_rows_and_the_same_lines(table: MemoryRows) -> None:
    data, target = dumped(table), MemoryRows()
    assert loaded(data, target) == 3
    assert target.items == table.items
    again = dumped(target, env="dev")
    assert again.split(b"\n", 1)[1] == data.split(b"\n", 1)[1]
    assert again != data


def test_every_kind_of_row_is_in_the_dump_that_is_tested(table: MemoryRows) -> None:
    found = {raw["record"]["S"] for raw in table.items.values() if "record" in raw}
    assert found == {kind.__name__ for kind in (*get_args(Record), Event)}


def test_the_order_is_by_model_and_sort_key_with_meta_last(table: MemoryRows) -> None:
    lines = [json.loads(line) for line in dumped(table).splitlines()[1:-1]]
    places = [row_of(line["Item"]) for line in lines]
    assert [pk for pk, _ in places] == sorted(pk for pk, _ in places)
    iris = [sk for pk, sk in places if pk == "MODEL#iris"]
    assert iris[-1] == "META"
    assert iris[:-1] == sorted(iris[:-1])


def test_only_the_models_that_were_named_are_exported(table: MemoryRows) -> None:
    target = MemoryRows()
    assert loaded(dumped(table, "aster"), target) == 1
    assert target.models() == ("aster",)


def test_an_unknown_model_is_named(table: MemoryRows) -> None:
    with pytest.raises(NotFoundError, match="'rose'"):
        dumped(table, "iris", "rose")


def test_an_empty_registry_has_a_dump(table: MemoryRows) -> None:
    target = MemoryRows()
    assert loaded(dumped(MemoryRows()), target) == 0
    assert target.items == {}


def test_a_model_that_moves_while_it_is_read_is_read_again(table: MemoryRows) -> None:
    table.moves = 3
    data = dumped(table)
    loaded(data, target := MemoryRows())
    assert target.items == table.items


def test_a_model_that_moves_all_the_time_is_named(table: MemoryRows) -> None:
    table.moves = 1000
    with pytest.raises(RegistryConflictError, match="'aster'"):
        dumped(table)


def test_a_row_that_was_tampered_with_is_not_exported(table: MemoryRows) -> None:
    table.items[rows.row(Version, "iris", "1")]["package_size"] = {"N": "1"}
    with pytest.raises(CorruptRecordError, match="written once"):
        dumped(table)


@pytest.mark.parametrize("batches", range(6))
def test_an_interrupted_import_goes_on_and_shows_no_half_model(
    table: MemoryRows, batches: int
) -> None:
    data, target = dumped(table), MemoryRows()
    target.dies = batches
    with pytest.raises(KeyboardInterrupt):
        loaded(data, target)
    for model in target.models():
        mine = {place for place in target.items if place[0] == rows.partition(model)}
        assert mine == {place for place in table.items if place[0] == rows.partition(model)}
    assert all(target.head(model) is not None for model in target.models())
    target.dies = -1
    loaded(data, target)
    assert target.items == table.items


def test_the_interruptions_above_are_all_there_are(table: MemoryRows) -> None:
    loaded(dumped(table), target := MemoryRows())
    assert len(target.inserts) >= 6
    assert max(target.inserts) == 100


def test_importing_again_changes_nothing(table: MemoryRows) -> None:
    data = dumped(table)
    assert loaded(data, table) == 0
    assert table.inserts == []


def test_a_registry_with_another_model_is_refused_untouched(table: MemoryRows) -> None:
    target = MemoryRows()
    loaded(dumped(table, "zinnia"), target)
    before = dict(target.items)
    with pytest.raises(ImmutableError, match="zinnia"):
        loaded(dumped(table, "aster"), target)
    assert target.items == before


def test_a_registry_whose_model_moved_on_is_refused_untouched(table: MemoryRows) -> None:
    target = MemoryRows()
    loaded(dumped(table, "zinnia"), target)
    target.items[rows.row(Meta, "zinnia")]["rev"] = {"N": "2"}
    before = dict(target.items)
    with pytest.raises(ImmutableError, match="zinnia"):
        loaded(dumped(table), target)
    assert target.items == before


def test_leftovers_of_another_import_are_never_changed(table: MemoryRows) -> None:
    target = MemoryRows()
    place = rows.row(Event, "iris", "2")
    target.items[place] = raw_of(Event("iris", 2, "Noted", START, "eve", "mine"))
    with pytest.raises(ImmutableError, match="EVT#000000000002"):
        loaded(dumped(table), target)
    assert target.items[place]["actor"] == {"S": "eve"}


def relined(data: bytes, change: Callable[[list[bytes]], object]) -> bytes:
    """Change the rows of a dump and count and hash them anew, as a careful forger does."""
    first, *found, _ = data.splitlines(keepends=True)
    header = Header.from_line(first)
    change(found)
    counts: dict[str, int] = {}
    for line in found:
        model = json.loads(line)["Item"]["PK"]["S"].removeprefix("MODEL#")
        counts[model] = counts.get(model, 0) + 1
    out = io.BytesIO()
    out.write(replace(header, models=counts).to_line())
    out.write(b"".join(found))
    out.write(trailer(len(found), hashlib.sha256(b"".join(found)).hexdigest()))
    return out.getvalue()


def at(found: list[bytes], sk: str) -> int:
    return next(i for i, line in enumerate(found) if f'"SK":{{"S":"{sk}"}}'.encode() in line)


def _edit(sk: str, old: bytes, new: bytes) -> Callable[[list[bytes]], object]:
    def change(found: list[bytes]) -> None:
        where = at(found, sk)
        assert old in found[where]
        found[where] = found[where].replace(old, new)

    return change


def _swap(found: list[bytes]) -> None:
    where = at(found, "EVT#000000000002")
    found[where], found[where + 1] = found[where + 1], found[where]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda found: found.pop(at(found, "EVT#000000000003")), "event 3", id="a gap"),
        pytest.param(
            lambda found: found.pop(max(i for i, line in enumerate(found) if b"EVT#" in line)),
            r"had \d+ events",
            id="the last event lost",
        ),
        pytest.param(lambda found: found.pop(at(found, "META")), "META", id="no META"),
        pytest.param(_swap, "event 2 of .iris. is missing", id="swapped"),
        pytest.param(lambda found: found.insert(3, found[3]), "out of order", id="twice"),
        pytest.param(
            lambda found: found.append(found[1]), "out of order", id="a model in two places"
        ),
        pytest.param(
            _edit("V#00000001", b'"package_size":{"N":"1234"}', b'"package_size":{"N":"1235"}'),
            "written once",
            id="a field changed",
        ),
        pytest.param(
            _edit("V#00000001", b'"SK":{"S":"V#00000001"}', b'"SK":{"S":"V#00000002"}'),
            "does not belong",
            id="misplaced",
        ),
        pytest.param(
            _edit("LOCK#release", b'"record":{"S":"Lock"}', b'"record":{"S":"Key"}'),
            "no kind",
            id="no such kind",
        ),
        pytest.param(
            _edit("LOCK#release", b'"token":{"N":"1"}', b'"token":{"S":"1"}'),
            "token",
            id="another type",
        ),
        pytest.param(
            _edit("V#00000001", b'"digest":{"S":"aaa', b'"digest":{"S":"baa'),
            "another digest",
            id="found by another digest",
        ),
        pytest.param(
            _edit("LOCK#release", b'{"Item"', b'{ "Item"'), "canonical", id="not canonical"
        ),
    ],
)
def test_rows_that_cannot_be_are_refused_by_line_even_when_they_were_hashed_anew(
    table: MemoryRows, change: Callable[[list[bytes]], object], words: str
) -> None:
    with pytest.raises(CorruptRecordError, match=words) as caught:
        check(io.BytesIO(relined(dumped(table), change)))
    assert "line " in str(caught.value) or "META" in str(caught.value)


def test_a_header_that_counts_otherwise_is_refused(table: MemoryRows) -> None:
    first, rest = dumped(table).split(b"\n", 1)
    header = Header.from_line(first + b"\n")
    models = {"aster": header.models["aster"] + 1, "iris": header.models["iris"] - 1}
    other = replace(header, models=header.models | models).to_line()
    with pytest.raises(CorruptRecordError, match="line 1 counts"):
        check(io.BytesIO(other + rest))


def test_a_meta_that_says_another_champion_than_the_events_is_refused(table: MemoryRows) -> None:
    place = rows.row(Meta, "iris")
    table.items[place]["serving"]["M"]["champion"] = {"N": "7"}
    with pytest.raises(CorruptRecordError, match="champion=7"):
        check(io.BytesIO(dumped(table)))


def test_a_dump_cut_off_anywhere_is_refused(table: MemoryRows) -> None:
    data = dumped(table, "aster")
    for end in range(len(data)):
        with pytest.raises(CorruptRecordError, match="line"):
            check(io.BytesIO(data[:end]))


def test_a_dump_that_goes_on_is_refused(table: MemoryRows) -> None:
    with pytest.raises(CorruptRecordError, match="goes on"):
        check(io.BytesIO(dumped(table) + b"\n"))


SMALL = dumped(MemoryRows.of(fill(FakeRegistryStore(), files=1)), "aster")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
def test_a_changed_byte_anywhere_is_refused(where: int, mask: int) -> None:
    changed = bytearray(SMALL)
    changed[where] ^= mask
    with pytest.raises(CorruptRecordError, match="line"):
        check(io.BytesIO(bytes(changed)))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=400))
def test_garbage_is_refused_and_never_crashes(data: bytes) -> None:
    with pytest.raises(CorruptRecordError):
        check(io.BytesIO(data))


@pytest.mark.parametrize(
    "line", [b"x" * 4_100_000, b"[" * 100_000 + b"\n", b'{"format":"tidegate/registry/2"}\n']
)
def test_what_is_no_dump_is_said_to_be_none(line: bytes) -> None:
    with pytest.raises(CorruptRecordError, match="line 1"):
        check(io.BytesIO(line))


def test_memory_does_not_grow_with_the_dump(tmp_path_factory: pytest.TempPathFactory) -> None:
    def peak(events: int) -> int:
        target = MemoryRows()
        for i in range(1, events + 1):
            raw = raw_of(Event("iris", i, "Noted", START, "ann", "because" * 20))
            target.items[row_of(raw)] = raw
        head = raw_of(Meta("iris", "ann", events, serving=Serving()))
        target.items |= {row_of(head): head, row_of(listing("iris")): listing("iris")}
        path = tmp_path_factory.mktemp("dump") / "dump.jsonl"
        path.write_bytes(dumped(target))
        with path.open("rb") as file:
            check(file)  # what is cached is cached
            tracemalloc.start()
            check(file)
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found

    assert peak(800) < 2 * peak(100)


def test_a_line_is_read_back_as_it_was(table: MemoryRows) -> None:
    for raw in table.items.values():
        assert json.loads(to_line(raw))["Item"] == raw
