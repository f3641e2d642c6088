"""Files become the values that a JSON request would hold; what can't is named by row."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.fakes.served import CONTRACT, FakeSession
from tidegate.batch import rows as reading
from tidegate.batch.rows import Rows, Wanted, read_rows
from tidegate.batch.scorer import Scorer
from tidegate.batch.values import Format
from tidegate.errors import BatchError

HEADER = "id,wind,gusts,harbour,boats,holiday\n"
LINE = '{"id":"a","wind":1.5,"gusts":2.0,"harbour":"north","boats":3,"holiday":true}\n'
TWICE = "is not JSON: the key 'wind' stands twice"


def read(folder: Path, form: Format, data: bytes, *keep: str) -> list[Rows]:
    path = folder / "input"
    path.write_bytes(data)
    return list(read_rows(path, form, Wanted(CONTRACT, keep), file=f"in/a.{form}"))


def features(found: list[Rows]) -> list[dict[str, Any]]:
    return [
        dict(zip(chunk.features, values, strict=True))
        for chunk in found
        for values in zip(*chunk.features.values(), strict=True)
    ]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ("1.5,2,north,3,true", (1.5, 2.0, "north", 3, True)),
        (",-1e3,south,3.0,FALSE", (None, -1000.0, "south", 3, False)),
        ("NaN,inf,,3.5,1", (None, float("inf"), None, 3.5, True)),
        ("1_0,1,x,1_0,yes", ("1_0", 1.0, "x", "1_0", "yes")),
        ('1,1,"a, ""b""\nc",0,0', (1.0, 1.0, 'a, "b"\nc', 0, False)),
    ],
    ids=["plain", "empty-and-whole", "null-names", "not-numbers", "quoted"],
)
def test_cells_become_values_by_the_contracts_types(
    tmp_path: Path, cells: str, values: tuple[Any, ...]
) -> None:
    (row,) = features(read(tmp_path, "csv", f"{HEADER}7,{cells}\n".encode()))

    assert tuple(row.values()) == values
    assert [type(v) for v in row.values()] == [type(v) for v in values]


def test_a_row_with_too_few_or_too_many_cells_is_named(tmp_path: Path) -> None:
    text = f"{HEADER}1,1,1,north,1,1\n2,1,1\n3,1,1,north,1,1,9\n"
    (chunk,) = read(tmp_path, "csv", text.encode(), "id")

    assert chunk.unread == {
        1: "has 3 cells, the header has 6",
        2: "has 7 cells, the header has 6",
    }
    assert chunk.kept == {"id": ["1", None, None]}


def test_blank_lines_of_csv_are_no_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.batch.csv_rows.CHUNK", 1)
    text = f"\n\r\n{HEADER}\n1,1,1,north,1,1\n\n\n2,1,1\n3,1,1,north,1,1\n\n"
    found = read(tmp_path, "csv", text.encode(), "id")

    assert [(chunk.first, chunk.kept["id"]) for chunk in found] == [
        (0, ["1"]),
        (1, [None]),
        (2, ["3"]),
    ]
    assert [chunk.unread for chunk in found] == [{}, {0: "has 3 cells, the header has 6"}, {}]


def test_a_quoted_empty_cell_alone_on_its_line_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_text('wind\n1.5\n""\n\n2.5\n')
    one = Wanted(replace(CONTRACT, columns=CONTRACT.columns[:1]))
    (chunk,) = read_rows(path, "csv", one, file="in/a.csv")

    assert chunk.features == {"wind": [1.5, None, 2.5]}


@pytest.mark.parametrize(
    ("form", "data", "message"),
    [
        ("csv", b"", "in/a.csv is empty"),
        ("csv", b"\n\r\n", "in/a.csv is empty"),
        ("csv", b"wind,gusts\n1,2\n", "column(s) harbour, boats, holiday are missing"),
        ("csv", HEADER.replace("id,", "wind,").encode(), "column 'wind' stands twice"),
        ("csv", HEADER.encode() + b'1,"1\n', "in/a.csv, line 2: not CSV"),
        ("csv", HEADER.encode() + b"\xff,1,1,north,1,1\n", "in/a.csv: not UTF-8 text"),
        ("jsonl", b'"' + b"x" * 1_000_001, "in/a.jsonl, line 1: longer than"),
        ("parquet", b"no Parquet at all", "in/a.parquet: not readable as Parquet"),
    ],
    ids=["empty", "blank", "missing", "twice", "quotes", "encoding", "endless", "parquet"],
)
def test_a_file_that_is_none_of_its_format_is_refused(
    tmp_path: Path, form: Format, data: bytes, message: str
) -> None:
    with pytest.raises(BatchError) as caught:
        read(tmp_path, form, data)

    assert message in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[1]", "must be a JSON object"),
        ("{", "is not JSON: "),
        (LINE.replace("1.5", "NaN").strip(), "is not JSON: "),
        (LINE.replace('"gusts":2.0,', "").strip(), "column(s) gusts are missing"),
        (LINE.replace('"id":"a"', '"wind":1').strip(), TWICE),
    ],
    ids=["list", "broken", "nan", "missing", "repeated-key"],
)
def test_a_line_that_is_no_record_is_a_bad_row(tmp_path: Path, line: str, why: str) -> None:
    (chunk,) = read(tmp_path, "jsonl", f"{LINE}\n{line}\n{LINE}".encode())

    assert len(chunk) == 3
    assert list(chunk.unread) == [1]
    assert chunk.unread[1].startswith(why)
    assert chunk.features["boats"] == [3, None, 3]


def test_a_text_with_colons_is_no_repeated_key(tmp_path: Path) -> None:
    line = LINE.replace('"a"', '"10:00:00"')
    (chunk,) = read(tmp_path, "jsonl", line.encode(), "id")

    assert chunk.unread == {}
    assert chunk.kept == {"id": ["10:00:00"]}


@pytest.mark.parametrize(
    "number",
    ["123456789012345678901234", "18446744073709551615", "-9223372036854775809", "1e30", "1.5"],
)
def test_a_number_is_kept_to_its_last_digit(tmp_path: Path, number: str) -> None:
    line = LINE.replace('"a"', f'{{"deep":[{number}, {number}]}}')
    (chunk,) = read(tmp_path, "jsonl", line.encode(), "id")
    (kept,) = chunk.kept["id"]

    assert kept == {"deep": [json.loads(number)] * 2}
    assert type(kept["deep"][0]) is type(json.loads(number))


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    (chunk,) = read(tmp_path, "jsonl", b"\xef\xbb\xbf" + LINE.encode() * 2)

    assert (len(chunk), chunk.unread) == (2, {})
    assert read(tmp_path, "jsonl", b"\xef\xbb\xbf\n") == []


def parquet(folder: Path, select: str) -> bytes:
    path = folder / "made.parquet"
    duckdb.sql(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def test_parquet_keeps_its_types_and_takes_gaps_as_null(tmp_path: Path) -> None:
    data = parquet(
        tmp_path,
        """SELECT * FROM (VALUES
            ('NaN'::DOUBLE, 1.5::FLOAT, 'north', 3.0::DOUBLE, true, 'a'),
            (2.0, NULL, NULL, 3.5, NULL, 'b')
        ) AS t(wind, gusts, harbour, boats, holiday, "i""d")""",
    )
    found = read(tmp_path, "parquet", data, 'i"d')

    rows = [tuple(row.values()) for row in features(found)]
    assert rows == [(None, 1.5, "north", 3, True), (2.0, None, None, 3.5, None)]
    assert [type(row[3]) for row in rows] == [int, float]
    assert found[0].kept == {'i"d': ["a", "b"]}


def test_parquet_names_are_matched_letter_by_letter(tmp_path: Path) -> None:
    data = parquet(tmp_path, "SELECT 1 AS Wind, 1 gusts, 'n' harbour, 1 boats, true holiday")

    with pytest.raises(BatchError, match="wind"):
        read(tmp_path, "parquet", data)


def ferry(**columns: str) -> str:
    """Return a query of one good row; `columns` are added or stand in, in SQL."""
    row = {"wind": "1.5::DOUBLE", "gusts": "1.0::DOUBLE", "harbour": "'north'", "boats": "3"}
    row["holiday"] = "true"
    return "SELECT " + ", ".join(f"{sql} AS {name}" for name, sql in {**row, **columns}.items())


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_a_moment_with_a_time_zone_is_kept_in_utc_without_pytz(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setitem(sys.modules, "pytz", None)  # no layer has it
    monkeypatch.setenv("TZ", zone)
    data = parquet(
        tmp_path, ferry(at="TIMESTAMPTZ '2026-01-01 00:30:00.25+02'", none="NULL::TIMESTAMPTZ")
    )
    (chunk,) = read(tmp_path, "parquet", data, "at", "none")

    assert chunk.kept == {"at": ["2025-12-31T22:30:00.25+00:00"], "none": [None]}


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("TIMESTAMP '2020-01-01'", "2020-01-01T00:00:00"),
        ("TIMESTAMP_NS '2020-01-01 10:00:00.123456789'", "2020-01-01T10:00:00.123456789"),
        ("'infinity'::TIMESTAMPTZ", "infinity"),
        ("DATE '2020-01-01'", "2020-01-01"),
        ("12345678901234567890.10::DECIMAL(38,2)", "12345678901234567890.10"),
        ("'6aa7c5b8-7b1c-4f3e-9e1e-0d9c4e3f2a1b'::UUID", "6aa7c5b8-7b1c-4f3e-9e1e-0d9c4e3f2a1b"),
        (r"'\xAA'::BLOB", "qg=="),
        ("'inf'::DOUBLE", float("inf")),
        ("'NaN'::DOUBLE", None),
        ("MAP {1: 'a', 2: 'b'}", {"1": "a", "2": "b"}),
        ("MAP {DATE '2020-01-01': 'a'}", {"2020-01-01": "a"}),
        ("{'a': 1, 'b': [TIMESTAMPTZ '2020-01-01 00:00:00+02']}",
         {"a": 1, "b": ["2019-12-31 22:00:00+00"]}),
        ("[1.5::DECIMAL(3,2), NULL]", [1.5, None]),
        ("[12345678901234567890.12::DECIMAL(38,2)]", ["12345678901234567890.12"]),
        ("NULL::INTEGER[]", None),
    ],
)  # fmt: skip
def test_what_is_kept_of_parquet_is_what_json_holds_or_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str, value: Any
) -> None:
    monkeypatch.setitem(sys.modules, "pytz", None)
    (chunk,) = read(tmp_path, "parquet", parquet(tmp_path, ferry(seen=sql)), "seen")

    assert chunk.kept == {"seen": [value]}


@pytest.mark.parametrize("sql", ["MAP {1: 'a'}", "[TIMESTAMPTZ '2020-01-01 00:00:00+02']"])
def test_a_nested_value_under_a_features_name_is_a_bad_row(tmp_path: Path, sql: str) -> None:
    (chunk,) = read(tmp_path, "parquet", parquet(tmp_path, ferry(harbour=sql)))

    assert Scorer(CONTRACT, FakeSession(2)).score(chunk).problem == ["harbour must be text"]


@pytest.mark.parametrize("column", ["wind", "harbour"])
def test_a_moment_under_a_features_name_is_no_number_and_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    monkeypatch.setitem(sys.modules, "pytz", None)
    data = parquet(tmp_path, ferry(**{column: "TIMESTAMPTZ '2026-01-01 00:00:00+00'"}))
    (chunk,) = read(tmp_path, "parquet", data, column)
    scored = Scorer(CONTRACT, FakeSession(2)).score(chunk)

    assert scored.problem[0] is not None
    assert scored.problem[0].startswith(f"{column} must be ")
    assert chunk.kept == {column: ["2026-01-01T00:00:00+00:00"]}


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_rows_come_in_chunks_in_the_order_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format
) -> None:
    for module in ("csv_rows", "json_rows", "parquet"):
        monkeypatch.setattr(f"tidegate.batch.{module}.CHUNK", 2)
    lines = [f"{i},1,1,north,{i},1" for i in range(5)]
    data = {
        "csv": (HEADER + "\n".join(lines)).encode(),
        "jsonl": "".join(LINE.replace(":3,", f":{i},") for i in range(5)).encode(),
        "parquet": parquet(
            tmp_path,
            "SELECT i id, 1 wind, 1 gusts, 'n' harbour, i boats, true holiday FROM range(5) t(i)",
        ),
    }[form]
    found = read(tmp_path, form, data)

    assert [(chunk.first, len(chunk)) for chunk in found] == [(0, 2), (2, 2), (4, 1)]
    assert [row["boats"] for row in features(found)] == [0, 1, 2, 3, 4]
    assert reading.CHUNK > 2
