"""One object: every row gets an answer or its problem, and nothing is done twice."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.batch_objects import MemoryObjects, piece_of, workshop
from tests.fakes.served import (
    AT,
    CONTRACT,
    MULTICLASS,
    REGRESSION,
    ROW,
    FakeSession,
    predictor,
)
from tidegate.batch.outputs import types_of, write_output
from tidegate.batch.parquet import write_parquet
from tidegate.batch.rows import Rows
from tidegate.batch.scorer import NO_ANSWER, Scorer
from tidegate.batch.values import Part
from tidegate.batch.working import Workshop, score_piece
from tidegate.contract import Contract, Target
from tidegate.encoding.encoder import Encoder
from tidegate.errors import (
    BatchError,
    InvalidRowsError,
    ModelUnavailableError,
    PackageError,
    RequestError,
)

HEADER = "id,wind,gusts,harbour,boats,holiday\n"
CSV = f"{HEADER}a,12.5,1.0,south,2,false\nb,99,1.0,south,-1,false\nc,45,1.0,north,2,true\n"


@pytest.fixture
def objects() -> MemoryObjects:
    made = MemoryObjects()
    made.put("data", "in/a.csv", CSV.encode())
    return made


def output(objects: MemoryObjects, part: Part) -> str:
    assert part.output is not None
    data = objects.get(part.output.bucket, part.output.key)
    assert data is not None
    assert objects.checksum(part.output.bucket, part.output.key) == part.output.sha256
    return data.decode()


def rows_of(*records: dict[str, Any]) -> Rows:
    names = CONTRACT.column_names
    return Rows(0, {name: [record[name] for record in records] for name in names}, {})


def test_bad_rows_are_written_with_their_problem_and_counted(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    part = score_piece(piece_of(objects, "in/a.csv", keep=("id",)), workshop(objects, tmp_path))

    assert list(csv.reader(io.StringIO(output(objects, part)))) == [
        ["row", "id", "label", "score", "problem"],
        ["0", "a", "on time", "0.208333", ""],
        ["1", "b", "", "",
         "wind must be a finite number between 0 and 60; "
         "boats must be a whole number of at least 0"],
        ["2", "c", "late", "0.75", ""],
    ]  # fmt: skip
    assert (part.rows, part.bad_rows) == (3, 1)
    assert [(p.row, p.column) for p in part.problems] == [(1, "wind"), (1, "boats")]


@pytest.mark.parametrize(
    ("contract", "first"),
    [
        (CONTRACT, {"label": "on time", "score": 0.208333}),
        (MULTICLASS, {"label": "tide", "score_tide": 0.395833, "score_fog": 0.395833,
                      "score_crew": 0.208333}),
        (REGRESSION, {"value": 0.20833333}),
    ],
    ids=["binary", "multiclass", "regression"],
)  # fmt: skip
def test_json_lines_have_every_column_of_the_task(
    objects: MemoryObjects, tmp_path: Path, contract: Contract, first: dict[str, Any]
) -> None:
    shop = workshop(objects, tmp_path, contract)
    part = score_piece(piece_of(objects, "in/a.csv", form="jsonl"), shop)
    lines = [json.loads(line) for line in output(objects, part).splitlines()]

    assert lines[0] == {"row": 0, **first, "problem": None}
    assert lines[1]["problem"].startswith("wind ")
    assert {lines[1][name] for name in first} == {None}


def test_parquet_output_has_types(objects: MemoryObjects, tmp_path: Path) -> None:
    piece = piece_of(objects, "in/a.csv", form="parquet", keep=("id",))
    part = score_piece(piece, workshop(objects, tmp_path))
    assert part.output is not None
    path = tmp_path / "read.parquet"
    path.write_bytes(objects.get("data", part.output.key) or b"")
    found = duckdb.sql(f"SELECT * FROM read_parquet('{path}')")

    assert dict(zip(found.columns, map(str, found.types), strict=True)) == {
        "row": "BIGINT", "id": "VARCHAR", "label": "VARCHAR", "score": "DOUBLE",
        "problem": "VARCHAR",
    }  # fmt: skip
    assert found.fetchall()[2] == (2, "c", "late", 0.75, None)


def test_classes_that_parquet_takes_for_one_fail_the_object_and_are_written_down(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    contract = replace(MULTICLASS, target=Target("why", ("Late", "late", "crew")))
    piece = piece_of(objects, "in/a.csv", form="parquet")

    with pytest.raises(BatchError, match=r"'score_Late' and 'score_late' .* --format csv or jsonl"):
        score_piece(piece, workshop(objects, tmp_path, contract))
    record = Part.from_json(objects.get("data", piece.part_key) or b"")
    assert record is not None
    assert record.error.startswith("BatchError: columns 'score_Late' and 'score_late'")


def test_letters_that_duckdb_tells_apart_are_two_columns(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    objects.put("data", "in/a.csv", CSV.replace("id,", "É,é,").replace("\n", "\n1,", 3).encode())
    piece = piece_of(objects, "in/a.csv", form="parquet", keep=("É", "é"))

    assert score_piece(piece, workshop(objects, tmp_path)).rows == 3


def test_what_duckdb_refuses_to_write_fails_the_object(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text("{}\n")

    with pytest.raises(BatchError, match=r"not writable as Parquet: .*Duplicate") as caught:
        write_parquet(lines, tmp_path / "output", types={"a": "VARCHAR", "A": "VARCHAR"})
    assert "LINE 1" not in str(caught.value)


KEPT: list[tuple[Any, str, Any]] = [
    ("0012", "0012", "0012"),
    ("2020-01-01T00:00:00", "2020-01-01T00:00:00", "2020-01-01T00:00:00"),
    (float("inf"), "inf", "inf"),
    (float("-inf"), "-inf", "-inf"),
    (1.0, "1.0", 1.0),
    (True, "true", True),
    (None, "", None),
    (2**64 - 1, "18446744073709551615", 2**64 - 1),
    (2**64, "18446744073709551616", "18446744073709551616"),
    ({"a": [float("inf"), float("nan"), -(2**70)]}, '{"a":["inf",null,"-1180591620717411303424"]}',
     {"a": ["inf", None, "-1180591620717411303424"]}),
]  # fmt: skip


@pytest.mark.parametrize(("value", "cell", "told"), KEPT, ids=[cell for _, cell, _ in KEPT])
def test_a_kept_value_is_told_exactly(tmp_path: Path, value: Any, cell: str, told: Any) -> None:
    rows = replace(rows_of(ROW), kept={"id": [value]})
    scored = Scorer(CONTRACT, FakeSession(2)).score(rows)
    path, types = tmp_path / "output", types_of(CONTRACT, ("id",), "csv")
    write_output([scored], path, form="csv", types=types)
    (line,) = csv.DictReader(io.StringIO(path.read_text()))
    write_output([scored], path, form="jsonl", types=types)

    assert line["id"] == cell
    assert json.loads(path.read_text())["id"] == told


def test_a_date_is_the_same_text_in_every_format(objects: MemoryObjects, tmp_path: Path) -> None:
    path = tmp_path / "made.parquet"
    duckdb.sql(
        f"COPY (SELECT DATE '2020-01-01' AS day, 1 wind, 1 gusts, 'south' harbour, 2 boats, "
        f"true holiday) TO '{path}' (FORMAT parquet)"
    )
    objects.put("data", "in/b.parquet", path.read_bytes())
    shop = workshop(objects, tmp_path)
    lines = [
        output(
            objects, score_piece(piece_of(objects, "in/b.parquet", form=form, keep=("day",)), shop)
        )
        for form in ("csv", "jsonl")
    ]

    assert lines[0].splitlines()[1].startswith("0,2020-01-01,")
    assert json.loads(lines[1])["day"] == "2020-01-01"


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 70), st.floats(), st.just(10**400),
    st.sampled_from(["north", "south", "west", "1", "", "é"]), st.lists(st.integers(), max_size=1),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(ROW, VALUES)), min_size=1, max_size=20))
def test_a_row_is_answered_as_the_endpoint_answers_it(records: list[dict[str, Any]]) -> None:
    records.append(ROW)
    found = Scorer(CONTRACT, FakeSession(2)).score(rows_of(*records))

    for i, record in enumerate(records):
        refused, score = endpoint(record)
        assert (found.problem[i] is not None) == bool(refused)
        assert set(refused) <= set((found.problem[i] or "").split("; "))
        assert (found.answers["score"][i] is None) == (score is None)
        assert found.answers["score"][i] == score


def endpoint(record: dict[str, Any]) -> tuple[list[str], float | None]:
    """Return why the endpoint refuses a row, or what it answers."""
    try:
        matrix = Encoder(CONTRACT).records([record])
    except InvalidRowsError as error:
        return [f"{p.column} {p.rule}" for p in error.problems][:3], None
    return [], round(float(FakeSession(2).run(matrix)[0, 1]), 6)


def test_the_answer_is_the_endpoints_to_the_last_digit() -> None:
    records = [{**ROW, "wind": wind / 7} for wind in range(50)]
    told = json.loads(
        predictor().predict(json.dumps({"records": records}).encode(), id="q", at=AT).answer.body
    )["predictions"]
    found = Scorer(CONTRACT, FakeSession(2)).score(rows_of(*records))

    assert [
        {"label": label, "score": score}
        for label, score in zip(*found.answers.values(), strict=True)
    ] == told


def test_a_row_without_a_finite_answer_is_bad() -> None:
    def score(features: Any) -> Any:
        found = FakeSession(2).run(features)
        found[1] = np.nan
        return found

    found = Scorer(CONTRACT, FakeSession(2, score)).score(rows_of(ROW, ROW, ROW))

    assert found.problem == [None, NO_ANSWER, None]
    assert found.answers["score"] == [0.208333, None, 0.208333]
    assert (found.bad_rows, found.problems[0].row) == (1, 1)


def test_a_chunk_of_bad_rows_alone_asks_the_model_nothing() -> None:
    def score(features: Any) -> Any:
        raise AssertionError("the model was asked")

    found = Scorer(CONTRACT, FakeSession(2, score)).score(rows_of({**ROW, "boats": 1.5}))

    assert found.bad_rows == 1


def test_rows_are_numbered_as_in_the_object_whatever_the_chunk(
    objects: MemoryObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.batch.csv_rows.CHUNK", 1)
    part = score_piece(piece_of(objects, "in/a.csv"), workshop(objects, tmp_path))

    assert [line.partition(",")[0] for line in output(objects, part).splitlines()] == [
        "row", "0", "1", "2",
    ]  # fmt: skip
    assert [problem.row for problem in part.problems] == [1, 1]


def test_what_was_done_is_not_done_again(objects: MemoryObjects, tmp_path: Path) -> None:
    shop = workshop(objects, tmp_path)
    first = score_piece(piece_of(objects, "in/a.csv"), shop)
    again = score_piece(piece_of(objects, "in/a.csv", job="job-2"), shop)

    assert again == first
    assert objects.fetched == ["in/a.csv"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda objects: objects.put("data", "out/a.csv", b"other bytes"),
        lambda objects: objects.objects.pop(("data", "out/a.csv")),
        lambda objects: objects.put("data", "out/_parts/a.csv.json", b"{}"),
        lambda objects: objects.put("data", "in/a.csv", CSV.replace("45", "46").encode()),
    ],
    ids=["output-changed", "output-gone", "record-broken", "input-changed"],
)
def test_what_is_not_as_it_was_left_is_done_again(
    objects: MemoryObjects, tmp_path: Path, spoil: Any
) -> None:
    shop = workshop(objects, tmp_path)
    score_piece(piece_of(objects, "in/a.csv"), shop)
    spoil(objects)
    again = score_piece(piece_of(objects, "in/a.csv", job="job-2"), shop)

    assert again.job == "job-2"
    assert len(objects.fetched) == 2
    assert output(objects, again).count("\n") == 4


@pytest.mark.parametrize(
    "change",
    [{"digest": "e" * 64}, {"keep": ("id",)}, {"format": "jsonl"}, {"max_bad_rows": 2},
     {"resume": False}],
    ids=["package", "keep", "format", "bound", "no-resume"],
)  # fmt: skip
def test_another_order_is_done_again(
    objects: MemoryObjects, tmp_path: Path, change: dict[str, Any]
) -> None:
    shop = workshop(objects, tmp_path)
    score_piece(piece_of(objects, "in/a.csv"), shop)
    score_piece(replace(piece_of(objects, "in/a.csv"), **change), shop)

    assert len(objects.fetched) == 2


def test_too_many_bad_rows_fail_the_object_and_are_written_down(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    piece = piece_of(objects, "in/a.csv", max_bad_rows=0)

    with pytest.raises(
        BatchError, match="more than 0 of its rows break the contract; first: row 1"
    ):
        score_piece(piece, workshop(objects, tmp_path))
    record = Part.from_json(objects.get("data", piece.part_key) or b"")
    assert record is not None
    assert record.output is None
    assert record.error.startswith("BatchError: in/a.csv: more than 0")
    assert objects.get("data", piece.out_key) is None


def test_an_input_that_was_replaced_meanwhile_is_refused(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    piece = piece_of(objects, "in/a.csv")
    objects.put("data", "in/a.csv", b"other")

    with pytest.raises(BatchError, match="was replaced or removed"):
        score_piece(piece, workshop(objects, tmp_path))


@pytest.mark.parametrize("name", ["row", "problem", "label", "score"])
def test_a_kept_column_must_not_hide_one_of_ours(
    objects: MemoryObjects, tmp_path: Path, name: str
) -> None:
    with pytest.raises(RequestError, match=f"--keep {name}: "):
        score_piece(piece_of(objects, "in/a.csv", keep=(name,)), workshop(objects, tmp_path))


def test_a_model_of_the_wrong_width_fails_the_object(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    scorer = Scorer(CONTRACT, FakeSession(3))

    with pytest.raises(PackageError, match="shape"):
        score_piece(
            piece_of(objects, "in/a.csv"), Workshop(objects, lambda _m, _d: scorer, tmp_path)
        )


def test_whatever_is_raised_on_purpose_is_written_down(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    def away(model: str, digest: str) -> Scorer:
        raise ModelUnavailableError("S3 is busy")

    piece = piece_of(objects, "in/a.csv")
    with pytest.raises(ModelUnavailableError):
        score_piece(piece, Workshop(objects, away, tmp_path))
    record = Part.from_json(objects.get("data", piece.part_key) or b"")
    assert record is not None
    assert record.error == "ModelUnavailableError: S3 is busy"
