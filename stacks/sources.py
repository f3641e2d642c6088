"""Where the stacks find what they deploy: handlers, workflows, the framework, models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tidegate.errors import ProjectError
from tidegate.project import Project
from tidegate.project_file import discover, read_project


@dataclass(frozen=True)
class Sources:
    """The checkout at `root`; `models_dir` may lie elsewhere."""

    root: Path
    models_dir: Path | None = None

    @property
    def framework(self) -> Path:
        """The library's folder, which becomes the core layer and the training jobs' framework."""
        return self.root / "layers" / "core" / "python"

    def function(self, verb: str) -> Path:
        """Return a control function's folder; raise `ProjectError` when it has no handler."""
        folder = self.root / "functions" / verb
        if not (folder / "handler.py").is_file():
            raise ProjectError(f"functions/{verb}/handler.py", "", "missing; expected its handler")
        return folder

    def workflow(self, name: str) -> str:
        """Return a state machine's definition, without the variables filled in."""
        return (Path(__file__).parent / "workflows" / f"{name}.asl.json").read_text()

    def models(self) -> tuple[Project, ...]:
        """Read every model folder; raise `ProjectError` on the first mistake."""
        folder = self.models_dir or self.root / "models"
        return tuple(read_project(path) for path in discover(folder))
