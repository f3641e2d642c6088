"""The other files of a folder: functions are found without running them, versions are pinned."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.model_folder import write_model_folder
from tidegate.project_file import find_problems


@pytest.mark.parametrize(
    "source",
    [
        "def train(frame, params): ...",
        "def train(frame, params, *, depth=3): ...",
        "def train(*args): ...",
        "def train(frame, params, extra=None): ...",
        "from load import files as train",
        "train = print",
        "try:\n    import x\nexcept ImportError:\n    def train(frame, params): ...",
        "raise SystemExit('a file is parsed, never run')\ndef train(frame, params): ...",
    ],
)
def test_an_entry_that_can_be_called_is_accepted(tmp_path: Path, source: str) -> None:
    assert find_problems(write_model_folder(tmp_path, train=source)) == ()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def fit(frame, params): ...", "no such function"),
        ("def other():\n    def train(frame, params): ...", "no such function"),
        ("def train(frame): ...", "2 positional arguments"),
        ("def train(frame, params, extra): ...", "2 positional arguments"),
        ("def train(frame, params, *, depth): ...", "2 positional arguments"),
        ("async def train(frame, params): ...", "a plain function"),
        ("class train: ...", "a plain function"),
        ("x = 1\ndef train(frame, params:\n", "line 2: not valid Python"),
        ("def train(frame, params): ...\0", "not valid Python"),
    ],
)
def test_an_entry_that_can_not_be_called_is_refused(
    tmp_path: Path, source: str, expected: str
) -> None:
    (problem,) = find_problems(write_model_folder(tmp_path, train=source))

    assert expected in str(problem)
    assert "train.py" in problem.file


def test_a_missing_entry_file_is_named(tmp_path: Path) -> None:
    folder = write_model_folder(tmp_path)
    (folder / "train.py").unlink()

    (problem,) = find_problems(folder)

    assert "train.py: this file is missing (training.entry names it)" in str(problem)


def test_an_entry_behind_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = write_model_folder(tmp_path)
    (tmp_path / "outside.py").write_text("def train(frame, params): ...")
    (folder / "train.py").unlink()
    (folder / "train.py").symlink_to(tmp_path / "outside.py")

    (problem,) = find_problems(folder)

    assert "outside the folder" in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n\n",
        "numpy==2.4.6  # why\nscikit-learn [extra] == 1.9.1 ; python_version > '3'\n",
        "--index-url https://example.com/simple\ntorch==2.9.0+cpu\n",
        "numpy==2.4.6 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n",
    ],
)
def test_pinned_requirements_are_accepted(tmp_path: Path, text: str) -> None:
    folder = write_model_folder(tmp_path)
    (folder / "requirements.txt").write_text(text)

    assert find_problems(folder) == ()


@pytest.mark.parametrize(
    "line",
    ["numpy", "numpy>=2", "numpy==2.*", "numpy==2,<3", "-r other.txt", "-e .", "./wheel.whl",
     "numpy @ https://example.com/numpy.whl", "numpy==", "numpy~=2.0"],
)  # fmt: skip
def test_a_line_without_one_exact_version_is_refused(tmp_path: Path, line: str) -> None:
    folder = write_model_folder(tmp_path)
    (folder / "requirements.txt").write_text(f"# first\npandas==3.1.1\n{line}\n")

    (problem,) = find_problems(folder)

    assert problem.key == "line 3"
    assert "one exact version is expected" in str(problem)


def test_missing_requirements_are_named(tmp_path: Path) -> None:
    folder = write_model_folder(tmp_path)
    (folder / "requirements.txt").unlink()

    (problem,) = find_problems(folder)

    assert "requirements.txt: this file is missing" in str(problem)
