"""A model folder, read and checked: model.toml -> train.py -> requirements.txt.

`read_project` raises the first mistake; `find_problems` lists all of them.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tidegate.errors import ProjectError
from tidegate.project import Project
from tidegate.project_file.columns import read_contract
from tidegate.project_file.folder import (
    find_function_problems,
    find_requirement_problems,
    read_text,
)
from tidegate.project_file.metric_names import METRIC_NAMES, MetricName
from tidegate.project_file.policies import (
    read_card,
    read_function,
    read_gates,
    read_governor,
    read_holdout,
    read_monitor,
    read_release,
    read_serving,
    read_training,
)
from tidegate.project_file.section import Section
from tidegate.settings import ENVIRONMENTS, TAG_VALUE, Names, is_model_name

__all__ = ["METRIC_NAMES", "MetricName", "discover", "find_problems", "read_project"]

FILE = "model.toml"
LAMBDA_NAME_LENGTH = 64


def read_project(folder: Path) -> Project:
    """Read a model folder; raise the first `ProjectError` when anything in it is wrong."""
    project, problems = _read(folder)
    if problems:
        raise problems[0]
    assert project is not None  # noqa: S101 - for mypy: nothing is wrong, so there is a project
    return project


def find_problems(folder: Path) -> tuple[ProjectError, ...]:
    """Return every mistake in a model folder: first those of model.toml, then of its code."""
    return tuple(_read(folder)[1])


def discover(models_dir: Path) -> tuple[Path, ...]:
    """Return the folders that hold a model.toml, sorted; two of one model name are refused."""
    folders = tuple(sorted(file.parent for file in models_dir.glob(f"*/{FILE}")))
    seen: dict[str, Path] = {}
    for folder in folders:
        name = _folder_name(folder)
        if name in seen:
            expected = f"one folder per model, but {seen[name].name!r} is {name!r} as well"
            raise ProjectError(str(folder), "", expected)
        seen[name] = folder
    return folders


def _read(folder: Path) -> tuple[Project | None, list[ProjectError]]:
    problems: list[ProjectError] = []
    try:
        top = Section(_parse(folder / FILE), str(folder / FILE), "", problems)
    except ProjectError as error:
        return None, [error]
    project = _project(top, folder)
    problems.extend(_folder_problems(project))
    return project, problems


def _parse(path: Path) -> dict[str, Any]:
    if not path.parent.is_dir():
        raise ProjectError(str(path.parent), "", f"a folder with a {FILE} is expected")
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(str(path), "", f"not valid TOML: {error}") from None
    except ValueError as error:  # a number or date that TOML's grammar lets pass
        raise ProjectError(str(path), "", f"not valid TOML: {error}") from None
    except RecursionError:
        raise ProjectError(str(path), "", "not valid TOML: nested too deeply") from None


def _project(top: Section, folder: Path) -> Project:
    contract = read_contract(top, name=_name(top, folder))
    data = top.section("data")
    loader = read_function(data, "loader", "")
    data.done()
    project = Project(
        root=folder,
        contract=contract,
        owner=_tag(top, "owner"),
        contact=top.text("contact"),
        cost_center=_tag(top, "cost_center"),
        description=top.text("description", ""),
        holdout=read_holdout(top, contract),
        training=read_training(top),
        gates=read_gates(top, contract.task),
        serving=read_serving(top),
        release=read_release(top),
        monitor=read_monitor(top),
        governor=read_governor(top),
        loader=loader,
        card=read_card(top),
    )
    top.done()
    return project


def _name(top: Section, folder: Path) -> str:
    name, expected = top.text("name"), _folder_name(folder)
    longest = max(len(Names(env).endpoint("")) for env in ENVIRONMENTS)
    room = LAMBDA_NAME_LENGTH - longest
    if name and not is_model_name(name):
        top.fault("name", f"a-z, 0-9 and -, beginning with a letter or digit, not {name!r}")
    elif len(name) > room:
        top.fault("name", f"at most {room} characters, so that Lambda takes the function's name")
    elif name and name != expected:
        top.fault("name", f"{expected!r} is expected, for the folder is {folder.resolve().name!r}")
    return name


def _folder_name(folder: Path) -> str:
    return folder.resolve().name.replace("_", "-")


def _tag(top: Section, key: str) -> str:
    value = top.text(key)
    if value and not TAG_VALUE.fullmatch(value):
        top.fault(key, f"an AWS tag value is expected: letters, digits and _.:/=+-@, not {value!r}")
    return value


def _folder_problems(project: Project) -> list[ProjectError]:
    root, entry = project.root, project.training.entry
    problems: list[ProjectError] = []
    if entry:
        found = find_function_problems(root, entry, key="training.entry", arguments=2)
        problems.extend(found)
    if project.loader:
        problems.extend(find_function_problems(root, project.loader, key="data.loader"))
    problems.extend(find_requirement_problems(root / "requirements.txt"))
    return problems
