"""The launcher: requirements -> environment, made once and whole -> the job, or a reason."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

import tidegate
from tidegate.training.determinism import VARIABLES

FRAMEWORK = Path(tidegate.__file__).parents[1]
JOB = """\
#!/bin/sh
printf '%s\\n' "$@" > "$TIDEGATE_ML_ROOT/arguments"
env > "$TIDEGATE_ML_ROOT/variables"
"""
INSTALLER = """\
#!{python}
import os, pathlib, sys, time
log = pathlib.Path(os.environ["LOG"])
log.open("a").write(" ".join(sys.argv[1:]) + chr(10))
if sys.argv[1] == "venv":
    target = pathlib.Path(sys.argv[-1]) / "bin"
    target.mkdir(parents=True)
    (target / "python").write_text({job!r})
    (target / "python").chmod(0o755)
elif os.environ.get("HANG"):
    time.sleep(60)
elif os.environ.get("FAIL"):
    sys.exit("No solution found: lightgbm==99")
"""


@pytest.fixture
def launcher() -> ModuleType:
    spec = importlib.util.spec_from_file_location("launcher", FRAMEWORK / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "ml"
    write_code(made, {"requirements.txt": "scikit-learn\n"})
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").write_text(INSTALLER.format(python=sys.executable, job=JOB))
    (tools / "uv").chmod(0o755)
    return made


def write_code(root: Path, files: Mapping[str, str]) -> None:
    folder = root / "input" / "data" / "code"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "code.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def variables(root: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": f"{root.parent / 'tools'}:{os.environ['PATH']}",
        "TIDEGATE_ML_ROOT": str(root),
        "TIDEGATE_ENVIRONMENTS": str(root.parent / "environments"),
        "LOG": str(root.parent / "log"),
        **more,
    }


def launch(
    root: Path, framework: Path = FRAMEWORK, *, words: tuple[str, ...] = (), **more: str
) -> int:
    command = [sys.executable, str(framework), *words]
    done = subprocess.run(command, env=variables(root, **more), check=False, capture_output=True)
    return done.returncode


def test_the_job_runs_in_an_environment_of_both_lists_with_fixed_seeds(root: Path) -> None:
    assert launch(root) == 0
    create, install = (root.parent / "log").read_text().splitlines()
    assert create.startswith("venv")
    assert install.count("-r ") == 2
    assert (root / "arguments").read_text().split() == ["-P", "-m", "tidegate.training.job"]
    found = (root / "variables").read_text()
    assert "PYTHONHASHSEED=0" in found
    assert f"PYTHONPATH={FRAMEWORK}" in found


def test_the_framework_runs_from_its_zip(root: Path) -> None:
    packed = root.parent / "framework.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(FRAMEWORK.rglob("*")):
            if path.suffix in (".py", ".txt"):
                archive.write(path, path.relative_to(FRAMEWORK))
    assert launch(root, packed) == 0
    assert f"PYTHONPATH={packed}" in (root / "variables").read_text()
    assert "onnxruntime" in (root / "requirements" / "tidegate-toolchain.txt").read_text()


def test_an_environment_is_made_once_and_again_for_other_requirements(root: Path) -> None:
    assert launch(root) == launch(root) == 0
    assert len((root.parent / "log").read_text().splitlines()) == 2
    write_code(root, {"requirements.txt": "scikit-learn==1.9.1\n"})
    assert launch(root) == 0
    assert len((root.parent / "log").read_text().splitlines()) == 4


def test_an_installer_that_fails_leaves_its_reason_and_no_environment(root: Path) -> None:
    assert launch(root, FAIL="1") == 2
    reason = (root / "output" / "failure").read_text()
    assert "uv could not install requirements.txt: No solution found: lightgbm==99" in reason
    assert list((root.parent / "environments").iterdir()) == []


def test_code_without_requirements_is_named(root: Path) -> None:
    write_code(root, {"train.py": ""})
    assert launch(root) == 2
    assert "requirements.txt is not in code.zip" in (root / "output" / "failure").read_text()


def test_lists_that_requirements_include_are_at_hand(root: Path, launcher: ModuleType) -> None:
    files = {"requirements.txt": "-c pins.txt\n", "pins.txt": "numpy<3\n", "../evil.txt": "x"}
    write_code(root, files)
    users, _ = launcher.requirement_lists(root)
    assert (users.parent / "pins.txt").read_text() == "numpy<3\n"
    assert not (users.parent.parent / "evil.txt").exists()


def test_losing_the_race_for_an_environment_is_no_failure(
    tmp_path: Path, launcher: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "environments" / "digest"

    def winner_comes_first(command: list[str]) -> None:
        (place / "bin").mkdir(parents=True, exist_ok=True)
        (place / "bin" / "python").touch()
        made = Path(command[-1])
        if made.name == "environment":
            (made / "bin").mkdir(parents=True)

    monkeypatch.setattr(launcher, "run", winner_comes_first)
    place.parent.mkdir()
    launcher.build(place, (tmp_path / "a.txt", tmp_path / "b.txt"))
    assert sorted(path.name for path in place.parent.iterdir()) == ["digest"]


def test_variables_that_make_trainings_alike_win_over_the_callers(launcher: ModuleType) -> None:
    given = {"OMP_NUM_THREADS": "3", "PYTHONHASHSEED": "9", "PIP_INDEX_URL": "https://pypi.example"}
    found = launcher.job_environment(given)
    assert {name: found[name] for name in VARIABLES} == VARIABLES
    assert found["PIP_INDEX_URL"] == "https://pypi.example"


def test_arguments_reach_the_job(root: Path) -> None:
    assert launch(root, words=("--environment", "lock.txt")) == 0
    asked = (root / "arguments").read_text().split()
    assert asked == ["-P", "-m", "tidegate.training.job", "--environment", "lock.txt"]


def test_a_launch_that_is_stopped_leaves_no_half_of_an_environment(root: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(FRAMEWORK)],
        env=variables(root, HANG="1"),
        start_new_session=True,
    ) as launched:
        environments = root.parent / "environments"
        while not (environments.is_dir() and list(environments.glob(".building-*/environment"))):
            assert launched.poll() is None
        os.killpg(launched.pid, signal.SIGTERM)
        assert launched.wait(30) == 128 + signal.SIGTERM
    assert list(environments.iterdir()) == []
