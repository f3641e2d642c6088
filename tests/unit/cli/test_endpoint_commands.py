"""`predict` and `feedback`: what files are read, what is sent, what is printed, the exit code."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from tests.fakes.cloud import FakeCloud
from tests.fakes.model_api import ModelApi
from tests.fakes.model_folder import LOAD_PY, MODEL_TOML, TRAIN_PY
from tests.fakes.served import MULTICLASS, REGRESSION, ROW
from tidegate.client import Answer, Batch, Client
from tidegate_cli import invocation, predictions
from tidegate_cli.main import app
from tidegate_cli.request_rows import read_outcomes

CSV = "wind,passengers,holiday,harbour,late,departed_at,extra\n3.5,12,true,north,no,2026-01-01,x\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models" / "iris"
    folder.mkdir(parents=True)
    (tmp_path / "cdk.json").write_text("{}")
    (folder / "model.toml").write_text(MODEL_TOML.replace("ferry-delay", "iris"))
    (folder / "train.py").write_text(TRAIN_PY)
    (folder / "load.py").write_text(LOAD_PY)
    (folder / "requirements.txt").write_text("numpy==2.4.6\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEGATE_ROOT", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def cloud(root: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    made_here = FakeCloud(root)
    monkeypatch.setattr(invocation, "connect", lambda *_: made_here)
    return made_here


@pytest.fixture
def api(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> ModelApi:
    found = ModelApi()
    monkeypatch.setattr(
        FakeCloud,
        "model_client",
        lambda _, model: Client(found, model),  # type: ignore[arg-type]
    )
    return found


def call(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def sent_rows(api: ModelApi) -> Any:
    return api.sent[0][1]


def test_rows_of_a_csv_are_read_by_the_contract(cloud: FakeCloud, root: Path) -> None:
    (root / "rows.csv").write_text(CSV)
    told = {"model": "iris", "version": 1, "release": "r-1", "receipt": "x.y"}
    rows = [{"label": "no", "score": 0.25}]
    cloud.api.answer = Answer(200, {**told, "predictions": rows}, 0.01)
    result = call("predict", "iris", "rows.csv")
    assert "0.2500" in result.stdout
    assert "iris@1" in result.stdout
    expected = {"wind": 3.5, "passengers": 12, "holiday": True, "harbour": "north"}
    assert cloud.api.sent == [("/models/iris/predict", {"records": [expected]})]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"records": [ROW, ROW]}),
        json.dumps({"columns": {name: [value, value] for name, value in ROW.items()}}, indent=1),
        json.dumps([ROW, ROW]),
        f"{json.dumps(ROW)}\n\n{json.dumps(ROW)}\n",
    ],
    ids=["records", "columns", "list", "lines"],
)
def test_standard_input_is_known_by_its_content(api: ModelApi, text: str) -> None:
    found = json.loads(call("predict", "ferry-delay", "-", "--json", stdin=text).stdout)
    (answer,) = found["answers"]
    assert [one["label"] for one in answer["predictions"]] == ["on time", "on time"]
    assert (found["model"], answer["version"]) == ("ferry-delay", 3)


def test_one_row_is_enough(api: ModelApi) -> None:
    assert call("predict", "ferry-delay", "-", stdin=json.dumps(ROW)).exit_code == 0
    assert sent_rows(api) == {"records": [ROW]}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_every_row_is_a_line_of_the_output(api: ModelApi, root: Path, form: str) -> None:
    (root / "rows.jsonl").write_text(json.dumps(ROW) + "\n" + json.dumps({**ROW, "wind": 60}))
    result = call("predict", "ferry-delay", "rows.jsonl", "--format", form)
    lines = result.stdout.splitlines()
    rows = list(csv.DictReader(lines)) if form == "csv" else [json.loads(line) for line in lines]
    assert [row["label"] for row in rows] == ["on time", "late"]
    assert set(rows[0]) == {"label", "score", "version"}


def test_scores_of_many_classes_are_columns_of_a_csv(
    api: ModelApi, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "predictor", ModelApi(MULTICLASS).predictor)
    result = call("predict", "ferry-delay", "-", "--format", "csv", stdin=json.dumps(ROW))
    assert result.stdout.splitlines()[0] == "label,score_tide,score_fog,score_crew,version"
    assert "tide 0." in call("predict", "ferry-delay", "-", stdin=json.dumps(ROW)).stdout


def test_answers_with_receipts_become_feedback(api: ModelApi, root: Path) -> None:
    (root / "rows.json").write_text(json.dumps([ROW] * 60))
    made = call("predict", "ferry-delay", "rows.json", "--format", "csv", "--receipts")
    rows = list(csv.DictReader(made.stdout.splitlines()))
    assert len({row["receipt"] for row in rows}) == 2
    with (root / "outcomes.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["receipt", "row", "label"])
        writer.writeheader()
        for i, row in enumerate(rows):
            label = "late" if i % 2 else ""  # not known yet
            writer.writerow({"receipt": row["receipt"], "row": row["row"], "label": label})
    # The contract of a CSV is that of the folder: only its task is asked for here.
    (root / "models" / "iris").rename(root / "models" / "ferry_delay")
    toml = root / "models" / "ferry_delay" / "model.toml"
    toml.write_text(MODEL_TOML)
    assert "30 stored, 0 known already" in call("feedback", "ferry-delay", "outcomes.csv").stdout
    found = call("feedback", "ferry-delay", "outcomes.csv", "--json").stdout
    assert json.loads(found) == {"stored": 0, "changed": 0, "duplicates": 30}


def test_feedback_takes_every_form_of_json(api: ModelApi, root: Path) -> None:
    receipts = [
        Client(api, "ferry-delay").predict([ROW, ROW])[0].receipt  # type: ignore[arg-type]
        for _ in range(4)
    ]
    items = [{"receipt": receipts[0], "row": row, "label": "late"} for row in (0, 1)]
    lines = "\n".join(json.dumps({**item, "receipt": receipts[1]}) for item in items)
    whole = {"feedback": [{"receipt": receipts[2], "labels": ["late", None]}]}
    some = [{"receipt": receipts[3], "rows": [1], "labels": ["late"]}]
    for text, stored in (
        (json.dumps(items), 2),
        (lines, 2),
        (json.dumps(whole), 1),
        (json.dumps(some), 1),
    ):
        result = call("feedback", "ferry-delay", "-", stdin=text)
        assert f"{stored} stored" in result.stdout, result.output


def test_a_correction_is_told(api: ModelApi) -> None:
    (one,) = Client(api, "ferry-delay").predict([ROW])  # type: ignore[arg-type]
    for label, told in (("late", "1 stored, 0 known"), ("on time", "0 stored, 1 changed, 0 known")):
        item = {"receipt": one.receipt, "row": 0, "label": label}
        assert told in call("feedback", "ferry-delay", "-", stdin=json.dumps([item])).stdout


def test_a_refused_row_is_named_by_its_line_and_column(api: ModelApi, root: Path) -> None:
    rows = [json.dumps(ROW)] * 70 + ["", json.dumps({**ROW, "wind": 99})]
    (root / "rows.jsonl").write_text("\n".join(rows))
    result = call("predict", "ferry-delay", "rows.jsonl")
    assert result.exit_code == 3
    assert "rows.jsonl: line 72, column wind: must be a finite number" in result.stderr


def test_a_refused_outcome_is_named_by_its_line(api: ModelApi, root: Path) -> None:
    (one,) = Client(api, "ferry-delay").predict([ROW])  # type: ignore[arg-type]
    good = json.dumps({"receipt": one.receipt, "row": 0, "label": "late"})
    bad = json.dumps({"receipt": one.receipt, "row": 1, "label": "late"})
    result = call("feedback", "ferry-delay", "-", stdin=f"{good}\n\n{bad}")
    assert result.exit_code == 3
    assert "standard input: line 3, column row: must be an integer" in result.stderr
    forged = json.dumps({"receipt": "A" * 8 + one.receipt[8:], "row": 0, "label": "late"})
    result = call("feedback", "ferry-delay", "-", stdin=f"{good}\n{forged}")
    assert result.exit_code == 3
    assert "standard input: line 2: the receipt was altered" in result.stderr


def test_a_refused_row_of_a_csv_is_named_by_its_line(cloud: FakeCloud, root: Path) -> None:
    (root / "rows.csv").write_text(CSV + "3.5,12,true,north,no,2026-01-01,x\n")
    problem = {"row": 1, "column": "wind", "rule": "at most 60.5"}
    error = {"type": "InvalidRowsError", "message": "1 problem(s)", "problems": [problem]}
    cloud.api.answer = Answer(422, {"error": error}, 0.01)
    result = call("predict", "iris", "rows.csv")
    assert result.exit_code == 3
    assert "rows.csv: line 3, column wind: at most 60.5" in result.stderr


@pytest.mark.parametrize(
    ("verb", "text"),
    [
        ("predict", CSV + CSV.splitlines()[1].replace(",x", ',"Bob') + "\n" + CSV.splitlines()[1]),
        ("feedback", 'receipt,row,label,note\nr,0,no,\nr,1,no,"Bob\nr,2,no,\n'),
    ],
    ids=["predict", "feedback"],
)
def test_a_stray_quote_swallows_no_rows(cloud: FakeCloud, root: Path, verb: str, text: str) -> None:
    (root / "rows.csv").write_text(text)
    result = call(verb, "iris", "rows.csv")
    assert (result.exit_code, cloud.api.sent) == (3, [])
    assert "rows.csv: line 3: no CSV: unexpected end of data" in result.stderr


def test_an_outcome_after_a_line_of_many_is_named_by_its_own(api: ModelApi) -> None:
    one, two = Client(api, "ferry-delay").predict([ROW, ROW])  # type: ignore[arg-type]
    many = json.dumps({"receipt": one.receipt, "rows": [0, 1], "labels": ["late", "late"]})
    bad = json.dumps({"receipt": two.receipt, "row": 9, "label": "late"})
    result = call("feedback", "ferry-delay", "-", stdin=f"{many}\n{bad}")
    assert "standard input: line 2, column row: must be an integer" in result.stderr


@pytest.mark.parametrize(
    ("verb", "text", "told"),
    [
        ("predict", "[]", "standard input: there is no row"),
        ("predict", '{"records": 3}', 'expected {"records": [...]}'),
        ("predict", '{"columns": {"x": 1}}', "expected a list for each"),
        ("predict", '{"columns": {"x": [1], "y": []}}', "differ in length"),
        ("predict", '{"x": NaN}', "NaN is no finite number"),
        ("predict", '{"x": 1}\n{"x": ', "line 2: no JSON"),
        ("predict", '{"x": 1}\n3', "line 2: expected an object"),
        ("predict", "wind\nx\n", "column passengers is missing"),
        ("predict", "wind," + CSV, "column wind stands twice in the header"),
        ("predict", '{"x": 1}\n{"x": 1e999}', "line 2: no JSON: 1e999 is no finite number"),
        ("predict", '{"x": 1}\n{"x": 1, "x": 2}', "line 2: no JSON: the key 'x' stands twice"),
        ("feedback", '[{"row": 0, "row": 1}]', "no JSON: the key 'row' stands twice"),
        ("predict", "[" * 100_000, "standard input: no JSON: "),
        ("predict", "1" * 5000, "column wind is missing"),
        ("predict", f"[{'1' * 5000}]", "standard input: no JSON: "),
        ("feedback", "{}", "expected a list of receipt, row, label"),
        ("feedback", '[{"receipt": "x", "row": 0}]', "entry 0: expected receipt, row and label"),
        ("feedback", '[{"receipt": "x", "row": "0", "label": 1}]', "entry 0: expected"),
        ("feedback", '[{"receipt": 1, "row": 0, "label": 1}]', "entry 0: expected"),
        ("feedback", '[{"receipt": "x", "rows": [0], "labels": []}]', "entry 0: expected"),
        ("feedback", "receipt,row\nx,0\n", "column label is missing"),
        ("feedback", "receipt,row,label\nx,first,no\n", "line 2: column row: 'first' is no whole"),
        ("feedback", "receipt,row,label\nx,1_0,no\n", "column row: '1_0' is no whole number"),
        ("feedback", "receipt,row,label\n\nx,0\n", "line 3: expected 3 values, found 2"),
    ],
)
def test_what_is_wrong_with_the_input_is_said(
    cloud: FakeCloud, verb: str, text: str, told: str
) -> None:
    result = call(verb, "iris", "-", stdin=text)
    assert (result.exit_code, cloud.api.sent) == (3, [])
    assert told in result.stderr


@pytest.mark.parametrize(
    ("file", "data", "hint"),
    [
        ("rows.parquet", b"PAR1\0\1\2\xff\xfe", "CSV, JSON and JSON lines are read"),
        ("rows.csv.gz", gzip.compress(CSV.encode())[:30] + b"\0\1\2\3\4\5\6\7\x08" * 9, ""),
    ],
    ids=["another format", "broken gzip"],
)
def test_a_file_that_is_no_text_is_named(
    cloud: FakeCloud, root: Path, file: str, data: bytes, hint: str
) -> None:
    (root / file).write_bytes(data)
    result = call("predict", "iris", file)
    assert (result.exit_code, cloud.api.sent) == (3, [])
    assert f"{file}: no UTF-8 text" in result.stderr
    assert hint in result.stderr


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("receipt,row,label\nr,0,nan\nr,1,\nr,2,1.5\n", [1.5]),
        ("receipt,row,label\nr,0,3\n", [3.0]),
    ],
)
def test_a_number_that_came_of_a_row_may_be_missing(
    tmp_path: Path, text: str, labels: list[float]
) -> None:
    (tmp_path / "outcomes.csv").write_text(text)
    found = read_outcomes(tmp_path / "outcomes.csv", lambda: REGRESSION)
    assert [one.label for one in found.outcomes] == labels


def test_a_file_that_is_not_there_is_named(cloud: FakeCloud) -> None:
    result = call("predict", "iris", "nowhere.csv")
    assert result.exit_code == 3
    assert "nowhere.csv: No such file" in result.stderr


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (404, "NotFoundError", 4),
        (403, "", 5),
        (503, "NoReleaseError", 1),
        (500, "InternalError", 1),
        (422, "InvalidRowsError", 3),
    ],
)
def test_the_exit_code_follows_the_answer(
    cloud: FakeCloud, status: int, kind: str, code: int
) -> None:
    cloud.api.answer = Answer(status, {"error": {"type": kind, "message": "told"}}, 0.01)
    result = call("predict", "iris", "-", stdin='{"x": 1}')
    assert result.exit_code == code
    assert "told" in result.stderr


@pytest.mark.parametrize(("after", "told"), [(-1.0, True), (60.0, False)])
def test_progress_is_told_only_when_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, after: float, told: bool
) -> None:
    monkeypatch.setattr(predictions, "QUIET_SECONDS", after)
    shown = io.StringIO()
    batch = Batch(50, "iris", 1, "r-1", "x.y", ({"value": 1.0},) * 10)
    console = Console(file=shown, force_terminal=True)
    assert list(predictions.with_progress([batch], console, total=1200)) == [batch]
    assert ("60 of 1,200 rows" in shown.getvalue()) == told
