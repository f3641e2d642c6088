"""An emulator of another shape is refused at start, by name."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import tidegate_cli.local
from tidegate_cli.local import installation as installer

pytestmark = pytest.mark.local
HERE = Path(tidegate_cli.local.__file__).parent


def refuse(seam: str) -> str:
    """Check one seam under the emulator's interpreter and return what it says."""
    installed = installer.install(Path("unused"), fresh=False, progress=lambda _: None)
    code = f"from extension import seams; seams.check((seams.Seam({seam}),))"
    done = subprocess.run(
        [installed.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(HERE), "GATEWAY_PORT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


def test_a_missing_seam_is_named_with_both_versions_and_what_to_do(installation: None) -> None:
    error = refuse("'ministack.services.lambda_svc', '_gone', ()")
    assert "ministack.services.lambda_svc._gone of the emulator is gone" in error
    assert "Installed: ministack 1.5.33, known to this extension: 1.5.33" in error
    assert "tidegate local up --fresh" in error


def test_a_seam_with_other_parameters_is_named(installation: None) -> None:
    error = refuse("'ministack.services.scheduler', '_tick_schedules', ('now',)")
    assert "_tick_schedules of the emulator takes () and not (now)" in error


def test_the_extension_imports_nothing_of_the_command_line() -> None:
    for path in (HERE / "extension").rglob("*.py"):
        assert not re.search(r"(import|from) tidegate", path.read_text()), path
