"""The launcher as a process, with an installer that makes nothing: this very environment serves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import tidegate

FRAMEWORK = Path(tidegate.__file__).parents[1]
UV = """\
#!{python}
import pathlib, sys
if sys.argv[1] == "venv":
    target = pathlib.Path(sys.argv[-1]) / "bin"
    target.mkdir(parents=True)
    (target / "python").write_text("#!/bin/sh\\nexec {python} \\"$@\\"\\n")
    (target / "python").chmod(0o755)
"""


def installer(folder: Path) -> Path:
    """Write a `uv` into a folder; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "uv"
    made.write_text(UV.format(python=sys.executable))
    made.chmod(0o755)
    return made


def launch(root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the job of a root by the launcher, from a parent with these variables."""
    tools = installer(root.parent / "tools").parent
    environ = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "TIDEGATE_ML_ROOT": str(root),
        "TIDEGATE_ENVIRONMENTS": str(root.parent / "environments"),
        **variables,
    }
    command = [sys.executable, str(FRAMEWORK)]
    return subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
