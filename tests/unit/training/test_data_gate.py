"""Reading and the data gate: what is wrong with data is said by file, row and column."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.fakes.training_samples import contract_of, table_of
from tidegate.contract import Column, Contract, Task
from tidegate.errors import DataError
from tidegate.registry.values import DataObject
from tidegate.training.data_gate import Admitted, admit
from tidegate.training.reading import read_files

Change = Callable[[pd.DataFrame], pd.DataFrame]


def frame_of(task: Task = "binary", *, rows: int = 200) -> pd.DataFrame:
    table = table_of(task, rows=rows)
    return pd.DataFrame({**table.columns, "outcome": table.target})


def store(folder: Path, files: dict[str, bytes]) -> tuple[DataObject, ...]:
    objects = []
    for name, data in files.items():
        path = folder / "data" / "sample" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        objects.append(DataObject(f"data/sample/{name}", "v1", digest, len(data)))
    return tuple(objects)


def load(folder: Path, frames: list[pd.DataFrame], *, contract: Contract | None = None) -> Admitted:
    packed = {
        f"{i}.csv.gz": gzip.compress(frame.to_csv(index=False).encode(), mtime=0)
        for i, frame in enumerate(frames)
    }
    contract = contract or contract_of("binary")
    return admit(read_files(folder, store(folder, packed), contract), contract)


def setting(column: str, value: object, row: int = 2) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value
        return frame

    return change


def test_good_data_pass_and_nulls_and_unknown_places_are_encoded(tmp_path: Path) -> None:
    admitted = load(tmp_path, [frame_of()])
    assert admitted.matrix.shape == (200, 5)
    assert np.isnan(admitted.matrix[:, 0]).any()
    assert admitted.matrix[:, 3].max() == 26  # null carrier
    assert admitted.matrix[:, 4].max() == 3  # unknown origin


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda f: f.head(0), "hold no rows", id="empty"),
        pytest.param(lambda f: f.head(1), r"1 row\(s\) of data; at least 30", id="one row"),
        pytest.param(
            lambda f: f.assign(outcome="no"), "'outcome'.*no row of class 'yes'", id="one class"
        ),
        pytest.param(
            lambda f: f.assign(wind=np.nan), "'wind' is null in every row", id="all-null number"
        ),
        pytest.param(
            lambda f: f.assign(carrier=""), "'carrier' is null in every row", id="all-null category"
        ),
        pytest.param(setting("wind", np.inf), "row 3, column 'wind'.*finite", id="infinity"),
        pytest.param(setting("hour", 2.5), "row 3, column 'hour'.*whole number", id="fraction"),
        pytest.param(setting("hour", 24), "row 3, column 'hour'.*0 and 23, not '24", id="range"),
        pytest.param(setting("hour", None), "row 3, column 'hour'.*must not be null", id="null"),
        pytest.param(setting("hour", "noon"), "row 3, column 'hour': a number", id="text"),
        pytest.param(setting("holiday", "maybe"), "row 3, column 'holiday': true", id="no boolean"),
        pytest.param(
            setting("carrier", "QQ"), "row 3, column 'carrier'.*not 'QQ'", id="unknown category"
        ),
        pytest.param(setting("outcome", "perhaps"), "'outcome'.*one of no, yes", id="other class"),
        pytest.param(
            setting("outcome", ""), "row 3, column 'outcome': an outcome", id="no outcome"
        ),
        pytest.param(
            lambda f: f.rename(columns={"wind": "winds"}), "column 'wind' is missing", id="renamed"
        ),
        pytest.param(
            lambda f: f.assign(holiday=(f["outcome"] == "yes").astype(float)),
            "column 'holiday' is the target 'outcome'",
            id="a column that is the label",
        ),
        pytest.param(
            lambda f: f.assign(carrier=f["outcome"].map({"yes": "A", "no": "B"})),
            "column 'carrier' is the target 'outcome'",
            id="a category that is the label",
        ),
        pytest.param(
            lambda f: pd.concat([f, f.assign(id=1)[f.columns]]),
            "200 of 400 rows are exact copies.*row 201",
            id="every row twice",
        ),
        pytest.param(
            lambda f: f.assign(id=[*range(199), 0]), "column 'id': 1 of 200", id="duplicate ids"
        ),
    ],
)
def test_bad_data_are_refused_naming_the_place(tmp_path: Path, change: Change, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(tmp_path, [change(frame_of())])


def test_the_row_is_counted_in_its_own_file(tmp_path: Path) -> None:
    second = setting("hour", 77)(frame_of())
    with pytest.raises(DataError, match=r"1\.csv\.gz, row 3, column 'hour'"):
        load(tmp_path, [frame_of(rows=150), second])


def test_a_value_of_a_personal_column_is_not_repeated(tmp_path: Path) -> None:
    contract = contract_of("binary")
    personal = tuple(replace(c, pii=True) for c in contract.columns)
    with pytest.raises(DataError) as caught:
        load(
            tmp_path,
            [setting("carrier", "SECRET")(frame_of())],
            contract=replace(contract, columns=personal),
        )
    assert "SECRET" not in str(caught.value)


def test_a_number_that_is_the_regression_target_in_other_units_is_refused(tmp_path: Path) -> None:
    frame = frame_of("regression")
    frame["wind"] = frame["outcome"] * 1.8 + 32
    with pytest.raises(DataError, match="column 'wind' is the target"):
        load(tmp_path, [frame], contract=contract_of("regression"))


def test_a_constant_target_is_refused(tmp_path: Path) -> None:
    frame = frame_of("regression").assign(outcome=4.0)
    with pytest.raises(DataError, match="'outcome' has one value only"):
        load(tmp_path, [frame], contract=contract_of("regression"))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "run: tidegate data push sample"),
        ({"a.csv": b""}, "a.csv is empty"),
        ({"a.csv.gz": b"no gzip"}, "a.csv.gz is not a gzip file"),
        ({"a.csv": b"\xff\xfe\x00"}, "a.csv is not UTF-8"),
        ({"a.csv": b"wind,wind\n1,2\n"}, "'wind' stands twice"),
        ({"a.csv": b"x\n1\n", "b.csv": b"x\n1\n"}, "b.csv holds the same bytes as a.csv"),
    ],
    ids=["none", "empty", "no gzip", "no text", "twice in the header", "same file twice"],
)
def test_unreadable_files_are_named(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_files(tmp_path, store(tmp_path, files), contract_of("binary"))


def test_columns_outside_the_contract_and_constant_ones_are_noted(tmp_path: Path) -> None:
    admitted = load(tmp_path, [frame_of().assign(tail="N1", hour=7)])
    assert admitted.notes == (
        "column 'tail' is not in the contract and was ignored",
        "column 'hour' has one value only, so it can't teach anything",
    )


def test_few_categories_may_repeat_without_being_copies(tmp_path: Path) -> None:
    contract = contract_of("binary")
    only = replace(contract, columns=(Column("origin", "category", categories=("EWR", "JFK")),))
    frame = pd.DataFrame(
        {"origin": ["EWR", "JFK"] * 50, "outcome": ["no", "yes", "yes", "no"] * 25}
    )
    assert load(tmp_path, [frame], contract=only).notes == ()
