"""Libraries lose their debug information, and load as before."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import csimdjson
import pytest

from stacks.bundling import Target, cached_layer
from stacks.native import WORTH, cut_debug_information
from tests.layers.conftest import LAMBDA

ELF64 = b"\x7fELF\x02\x01"


def test_a_library_without_its_debug_information_loads(tmp_path: Path) -> None:
    library = tmp_path / Path(csimdjson.__file__).name
    shutil.copy(csimdjson.__file__, library)
    before = library.stat().st_size

    lost = cut_debug_information(library)
    assert lost > WORTH
    assert library.stat().st_size == before - lost
    assert cut_debug_information(library) == 0

    code = "import csimdjson as c; print(c.__file__, c.Parser().parse(b'[1, 2.5]').as_list())"
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=True)
    assert told.stdout == f"{library} [1, 2.5]\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"/* a linker's script */",
        b"\x7fELF\x01\x01" + bytes(2 * WORTH),
        b"\x7fELF\x02\x02" + bytes(2 * WORTH),
    ],
    ids=["empty", "text", "32 bits", "big-endian"],
)
def test_other_files_stay_as_they_are(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(content)

    assert cut_debug_information(path) == 0
    assert path.read_bytes() == content


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_the_json_reader_has_none_in_a_layer(architecture: str) -> None:
    folder = cached_layer("inference", target=Target(architecture, LAMBDA)) / "python"

    (library,) = folder.glob("csimdjson*.so")
    assert library.stat().st_size < WORTH
    assert not list(folder.rglob("*.cpp"))
