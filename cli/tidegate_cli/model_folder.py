"""Model folders by model name."""

from __future__ import annotations

from pathlib import Path

from tidegate.project import Project
from tidegate.project_file import discover, read_project
from tidegate_cli.faults import InputError, MissingError

FILE = "model.toml"


def models_dir(root: Path) -> Path:
    """Return where the model folders of a checkout are."""
    return root / "models"


def find(root: Path, name: str) -> Path:
    """Return the folder of a model, given its name or a path to it."""
    if "/" in name or name in {".", ".."}:
        return _at(Path(name))
    folders = discover(models_dir(root))
    for folder in folders:
        if name in (folder.name, model_name(folder)):
            return folder
    if Path(name).is_dir():
        return _at(Path(name))
    known = ", ".join(model_name(folder) for folder in folders) or "none"
    raise MissingError(f"no model {name!r} in {models_dir(root)}; there are: {known}")


def read(root: Path, name: str) -> Project:
    """Return the project of a model; raise `ProjectError` naming file and key."""
    return read_project(find(root, name))


def model_name(folder: Path) -> str:
    """Return the model's name: that of the folder, with dashes."""
    return folder.name.replace("_", "-")


def _at(path: Path) -> Path:
    if not (path / FILE).is_file():
        raise InputError(
            f"{path}: no {FILE} there", hint="name a model, or a folder with model.toml"
        )
    return path
