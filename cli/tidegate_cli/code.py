"""A model's code: folder -> the same zip each time -> bucket -> the registry's `code` pointer."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tidegate.errors import ObjectExistsError, ProjectError
from tidegate.package import keys
from tidegate.package.code_archive import MAX_CODE_BYTES, code_digest
from tidegate.project import Project
from tidegate_cli.cloud import Cloud

LEFT_OUT = {"__pycache__", "data", "node_modules", "venv"}
DATA_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".pyc", ".npz", ".feather", ".zip")
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Commit:
    """The state of the git checkout; empty where there is none."""

    id: str = ""
    dirty: bool = False


def push(cloud: Cloud, project: Project, *, actor: str, at: datetime) -> str:
    """Store the folder and point `code` at it; return its digest. Again, it changes nothing."""
    files = dict(folder_files(project.root))
    digest = code_digest(files)
    archive = keys.code_archive(project.name, digest)
    declared = keys.project_file(project.name, digest)
    for key, content in ((archive, pack(files)), (declared, project.to_json())):
        with suppress(ObjectExistsError):  # pushed before
            cloud.artifacts.put(key, content)
    cloud.registry.ensure_model(project.name, owner=project.owner, at=at, actor=actor)
    commit = commit_of(project.root)
    cloud.registry.push_code(
        project.name,
        digest=digest,
        at=at,
        actor=actor,
        evidence={"git_commit": commit.id, "git_dirty": commit.dirty},
    )
    return digest


def folder_files(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of a model folder, sorted; hidden files, caches and data are left out.

    Raises `ProjectError` naming a symbolic link, or the folder when it is too large.
    """
    size = 0
    for path in sorted(_walk(root)):
        if path.is_symlink():
            raise ProjectError(str(path), "", "expected a file; symbolic links are not packed")
        content = path.read_bytes()
        size += len(content)
        if size > MAX_CODE_BYTES:
            expected = f"at most {MAX_CODE_BYTES // 1_000_000} MB of code; put data into data/"
            raise ProjectError(str(root), "", expected)
        yield path.relative_to(root).as_posix(), content


def pack(files: dict[str, bytes]) -> bytes:
    """Return a zip of the files; equal files give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(files):
            info = zipfile.ZipInfo(path, date_time=EPOCH)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, files[path])
    return buffer.getvalue()


def commit_of(folder: Path) -> Commit:
    """Return the commit that a folder is at, and whether the folder differs from it."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        return Commit(head, dirty=bool(_git(folder, "status", "--porcelain", "--", ".")))
    except (OSError, subprocess.CalledProcessError):  # no git, or not a checkout
        return Commit()


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _walk(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in LEFT_OUT and not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and not name.lower().endswith(DATA_SUFFIXES):
                yield Path(folder) / name
