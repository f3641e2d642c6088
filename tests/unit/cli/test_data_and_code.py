"""What is pushed: the same bytes for the same content, and nothing else than is wanted."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import time
import zipfile
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from tests.fakes import made
from tests.fakes.cloud import FakeCloud
from tests.fakes.model_folder import LOAD_PY, MODEL_TOML, TRAIN_PY
from tidegate.errors import ProjectError
from tidegate.project import Project
from tidegate.project_file import read_project
from tidegate_cli import code, data
from tidegate_cli.data import DataFile
from tidegate_cli.faults import InputError
from tidegate_cli.rows import read_csv

HEADER = "wind,passengers,holiday,harbour,late,departed_at"
ROW = "3.5,12,true,north,no,2026-01-01T10:00:00Z"
CSV = f"{HEADER}\n{ROW}\n".encode()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "models" / "iris"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text(MODEL_TOML.replace("ferry-delay", "iris"))
    (folder / "train.py").write_text(TRAIN_PY)
    (folder / "load.py").write_text(LOAD_PY)
    (folder / "requirements.txt").write_text("numpy==2.4.6\n")
    return read_project(folder)


@pytest.fixture
def cloud(tmp_path: Path) -> FakeCloud:
    return FakeCloud(tmp_path)


# -- data


def test_packing_the_same_content_at_another_time_gives_the_same_bytes() -> None:
    first = data.pack(CSV)
    time.sleep(1.1)  # gzip notes whole seconds unless it is told not to
    assert data.pack(CSV) == first == data.pack(gzip.compress(CSV))


def test_a_changed_file_is_sent_again(project: Project, cloud: FakeCloud) -> None:
    data.push(cloud, project, [DataFile("a.csv", CSV)])
    more = DataFile("a.csv.gz", gzip.compress(CSV + ROW.encode()))
    result = data.push(cloud, project, [more])
    assert (result.uploaded, result.unchanged, result.rows) == (1, 0, 2)
    assert len(cloud.artifacts.versions["data/iris/a.csv.gz"]) == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (HEADER.encode(), "no rows"),
        (CSV.replace(b"late", b"delayed"), "missing column late"),
        (CSV.replace(b"departed_at", b"when"), "missing column departed_at"),
        (CSV.replace(b"wind,", b"wind,wind,"), "column 'wind' stands twice"),
        (CSV + b"1,2\n", "line 3: expected 6 values, found 2"),
        (b"\xff\xfe", "no UTF-8 text"),
        (b"\x1f\x8bnonsense", "no UTF-8 text"),
    ],
    ids=["empty", "header only", "no target", "no time", "twice", "ragged", "binary", "bad gzip"],
)
def test_a_bad_file_is_refused_by_name_before_anything_is_sent(
    project: Project, cloud: FakeCloud, content: bytes, problem: str
) -> None:
    with pytest.raises(InputError, match=problem) as raised:
        data.push(cloud, project, [DataFile("bad.csv", content)])
    assert "bad.csv" in str(raised.value)
    assert cloud.artifacts.list("") == ()


def test_a_byte_order_mark_is_no_part_of_a_column(project: Project, cloud: FakeCloud) -> None:
    result = data.push(cloud, project, [DataFile("a.csv", b"\xef\xbb\xbf" + CSV)])
    assert (result.rows, result.ignored) == (1, ())


def loader(project: Project, body: str) -> Project:
    (project.root / "load.py").write_text(body)
    return project


def test_the_loader_is_asked_for_its_days(project: Project) -> None:
    body = "def files(start, end):\n    yield f'{start}-{end}', 'a\\n1\\n'\n"
    files = list(data.load(loader(project, body), since="2013-01-01", until=date(2013, 3, 1)))
    assert files == [DataFile("2013-01-01-2013-03-01", b"a\n1\n")]


def test_frames_become_csv(project: Project) -> None:
    body = "import pandas as pd\ndef files(s, e):\n    yield 'x.csv', pd.DataFrame({'a': [1]})\n"
    assert next(data.load(loader(project, body))).data == b"a\n1\n"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("import no_such_package\n", "No module named 'no_such_package'"),
        ("x = 1\n", "no function 'files'"),
        ("def files(s, e):\n    yield 'x', 7\n", "'x' is a int; expected a frame"),
    ],
)
def test_a_loader_that_does_not_work_is_named(project: Project, body: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        list(data.load(loader(project, body)))


def test_rows_become_json_values_of_the_contract(project: Project) -> None:
    text = f"{HEADER}\n,12.0,0,,yes,2026-01-01\n".encode()
    row = read_csv(project.contract, gzip.compress(text))[0]
    assert row.record == {"wind": None, "passengers": 12, "holiday": False, "harbour": None}
    assert (row.label, row.time) == ("yes", "2026-01-01")


def test_a_cell_of_nan_is_null_as_in_a_batch(project: Project) -> None:
    (row,) = read_csv(project.contract, f"{HEADER}\nNaN,nan,no,nan,no,t\n".encode())
    assert (row.record["wind"], row.record["passengers"]) == (None, None)
    assert row.record["harbour"] == "nan"


def test_a_long_cell_is_read(project: Project) -> None:
    text = f"{HEADER},notes\n{ROW},{'x' * 200_000}\n".encode()
    assert read_csv(project.contract, text)[0].record["wind"] == 3.5


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("x,12,true,north,no,t", "line 2: column wind: 'x' is no finite number"),
        ("-inf,12,true,north,no,t", "line 2: column wind: '-inf' is no finite number"),
        ("1,1e999,true,north,no,t", "line 2: column passengers: '1e999' is no finite number"),
        ("1_0,12,true,north,no,t", "line 2: column wind: '1_0' is no finite number"),
        ("1,12,maybe,north,no,t", "line 2: column holiday: 'maybe' is neither"),
        ("1,12", "line 2: expected 6 values"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(project: Project, line: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_csv(project.contract, f"{HEADER}\n{line}\n".encode(), name="rows.csv")


# -- code


def test_the_same_folder_is_the_same_archive_whatever_its_times(project: Project) -> None:
    first = code.pack(dict(code.folder_files(project.root)))
    os.utime(project.root / "train.py", (1, 1))
    assert code.pack(dict(code.folder_files(project.root))) == first


def test_data_caches_and_hidden_files_are_left_out(project: Project) -> None:
    for name in ("data/a.csv", "__pycache__/x.pyc", ".secret", "big.parquet", "lib/part.py"):
        (project.root / name).parent.mkdir(exist_ok=True)
        (project.root / name).write_text("x")
    found = [path for path, _ in code.folder_files(project.root)]
    assert found == ["lib/part.py", "load.py", "model.toml", "requirements.txt", "train.py"]


def test_a_symbolic_link_is_refused(project: Project) -> None:
    (project.root / "link.py").symlink_to("/etc/passwd")
    with pytest.raises(ProjectError, match=r"link\.py"):
        dict(code.folder_files(project.root))


def test_a_changed_byte_changes_the_digest_and_is_recorded(
    project: Project, cloud: FakeCloud
) -> None:
    digests = [code.push(cloud, project, actor="ann", at=made.START) for _ in range(2)]
    (project.root / "train.py").write_text(TRAIN_PY + "\n")
    digests.append(code.push(cloud, project, actor="ann", at=made.START))
    assert digests[0] == digests[1] != digests[2]
    kinds = [event.kind for event in cloud.registry.events("iris")]
    assert kinds.count("CodePushed") == 2
    pointer = cloud.registry.pointer("iris", "code")
    assert pointer is not None
    assert pointer.target == digests[2]


def test_what_is_stored_is_the_folder_and_its_declaration(
    project: Project, cloud: FakeCloud
) -> None:
    digest = code.push(cloud, project, actor="ann", at=made.START)
    archive = zipfile.ZipFile(BytesIO(cloud.artifacts.get(f"code/iris/{digest}/code.zip")))
    assert sorted(archive.namelist()) == ["load.py", "model.toml", "requirements.txt", "train.py"]
    declared = cloud.artifacts.get(f"code/iris/{digest}/project.json")
    assert Project.from_json(declared).contract == project.contract
    assert json.loads(declared)


def test_the_commit_and_uncommitted_changes_are_noted(project: Project) -> None:
    assert code.commit_of(project.root).id == ""
    git = ["git", "-C", str(project.root), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    clean = code.commit_of(project.root)
    (project.root / "train.py").write_text("changed")
    assert len(clean.id) == 40
    assert (clean.dirty, code.commit_of(project.root).dirty) == (False, True)
