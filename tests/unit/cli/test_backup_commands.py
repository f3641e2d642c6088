"""`tidegate registry export` and `import`: files that are whole or not there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.fakes.cloud import FakeCloud
from tests.fakes.dumps import fill
from tests.fakes.raw_rows import MemoryRows
from tests.fakes.registry_store import FakeRegistryStore
from tidegate.settings import Settings
from tidegate_cli import invocation
from tidegate_cli.main import app


@dataclass
class RowsCloud(FakeCloud):
    rows: MemoryRows = field(default_factory=MemoryRows)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RowsCloud:
    rows = MemoryRows.of(fill(FakeRegistryStore(), files=2))
    made = RowsCloud(tmp_path, rows=rows, settings=Settings("prod", "1" * 12, "eu-west-1"))
    (tmp_path / "cdk.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(invocation, "connect", lambda *_: made)
    monkeypatch.setenv("TIDEGATE_ROOT", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return made


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["registry", *words])


def exported(name: str, *models: str) -> bytes:
    assert call("export", *models, "--out", name).exit_code == 0
    return Path(name).read_bytes()


def test_what_was_exported_is_imported_and_exported_again_the_same(cloud: RowsCloud) -> None:
    data = exported("one.jsonl")
    before, cloud.rows = cloud.rows, MemoryRows()
    result = call("import", "one.jsonl")
    assert result.exit_code == 0, result.output
    assert f"3 models written: {len(before.items) - 3:,} rows" in result.stdout
    assert cloud.rows.items == before.items
    assert exported("two.jsonl").splitlines()[1:] == data.splitlines()[1:]
    assert "0 models of 3 written, the others were there" in call("import", "two.jsonl").stdout


def test_the_answer_is_the_header(cloud: RowsCloud) -> None:
    found = json.loads(call("export", "aster", "--out", "a.jsonl", "--json").stdout)
    assert (found["env"], found["account"], found["models"]) == ("prod", "1" * 12, {"aster": 2})


def test_a_file_that_is_there_is_kept(cloud: RowsCloud) -> None:
    Path("mine.jsonl").write_text("precious")
    result = call("export", "--out", "mine.jsonl")
    assert result.exit_code == 3
    assert Path("mine.jsonl").read_text() == "precious"


def test_an_export_that_fails_leaves_no_file(cloud: RowsCloud) -> None:
    cloud.rows.moves = 1000
    assert call("export", "--out", "one.jsonl").exit_code == 1
    assert call("export", "rose", "--out", "one.jsonl").exit_code == 4
    assert call("export", "--out", "nowhere/one.jsonl").exit_code == 3
    assert {path.name for path in Path().iterdir()} == {"cdk.json"}


def test_a_damaged_file_is_refused_by_line_and_nothing_is_written(cloud: RowsCloud) -> None:
    data = exported("one.jsonl")
    Path("one.jsonl").write_bytes(data.replace(b'"ann"', b'"eve"', 1))
    cloud.rows = MemoryRows()
    result = call("import", "one.jsonl")
    assert result.exit_code == 1
    assert "line " in result.stderr
    assert cloud.rows.items == {}


def test_an_export_of_another_environment_comes_with_a_warning(cloud: RowsCloud) -> None:
    exported("one.jsonl")
    cloud.rows = MemoryRows()
    assert "signed by the key of there" not in call("import", "one.jsonl").stderr
    cloud.rows, cloud.settings = MemoryRows(), Settings("dev", "1" * 12, "eu-west-1")
    result = call("import", "one.jsonl")
    assert result.exit_code == 0
    assert "an export of prod (111111111111, eu-west-1)" in result.stderr


def test_an_interrupted_import_says_so_and_goes_on(cloud: RowsCloud) -> None:
    exported("one.jsonl")
    before, cloud.rows = cloud.rows, MemoryRows()
    cloud.rows.dies = 2
    assert call("import", "one.jsonl").exit_code == 130
    cloud.rows.dies = -1
    assert call("import", "one.jsonl").exit_code == 0
    assert cloud.rows.items == before.items


def test_a_file_that_is_not_there_is_wrong_usage(cloud: RowsCloud) -> None:
    assert call("import", "none.jsonl").exit_code == 2
