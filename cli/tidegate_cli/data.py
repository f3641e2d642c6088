"""Training data: the user's loader or CSV files -> checked -> gzipped reproducibly -> bucket.

Pushing again what is there changes nothing.
"""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import importlib.util
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

from tidegate.contract import Contract
from tidegate.package import keys
from tidegate.project import Project
from tidegate_cli.cloud import Cloud
from tidegate_cli.faults import InputError
from tidegate_cli.rows import GZIP, text_of

EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)
SUFFIX = ".csv.gz"
Loader = Callable[[date, date], Iterable[tuple[str, Any]]]


@dataclass(frozen=True)
class DataFile:
    """One file of training data: its name in the bucket, its CSV bytes (gzipped or not)."""

    name: str
    data: bytes


@dataclass(frozen=True)
class PushResult:
    """What a push came to; `ignored` are columns of no meaning to the contract."""

    uploaded: int = 0
    unchanged: int = 0
    rows: int = 0
    size: int = 0
    ignored: tuple[str, ...] = ()


def load(
    project: Project, *, since: date | str | None = None, until: date | str | None = None
) -> Iterator[DataFile]:
    """Yield the files that the model's own loader gives for since <= day < until."""
    if not project.loader:
        raise InputError(
            f"{project.root / 'model.toml'}: data.loader is not set",
            hint='name CSV files, or set [data] loader = "data.py:load"',
        )
    loader = _loader(project)
    for name, frame in loader(day(since, EARLIEST), day(until, LATEST)):
        yield DataFile(str(name), _csv(project, name, frame))


def read_files(paths: Iterable[Path]) -> Iterator[DataFile]:
    """Yield CSV files from disk."""
    for path in paths:
        if not path.name.endswith((".csv", SUFFIX)):
            raise InputError(f"{path}: expected a .csv or .csv.gz file")
        try:
            yield DataFile(path.name, path.read_bytes())
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from error


def push(
    cloud: Cloud,
    project: Project,
    files: Iterable[DataFile],
    *,
    progress: Callable[[DataFile, bool], None] = lambda _file, _new: None,
) -> PushResult:
    """Check and store files; `progress` hears of each, and whether it was new or changed."""
    prefix = keys.data_prefix(project.name)
    present = {found.key: found.checksum for found in cloud.artifacts.list(prefix)}
    uploaded = unchanged = rows = size = 0
    ignored: dict[str, None] = {}
    for file in files:
        count, extra = check(project.contract, file)
        packed = DataFile(_name(file), pack(file.data))
        key = keys.data_file(project.name, packed.name)
        new = not _same(present.get(key), packed.data)
        if new:
            cloud.artifacts.put(key, packed.data, overwrite=True)
        progress(packed, new)
        uploaded, unchanged = uploaded + new, unchanged + (not new)
        rows, size = rows + count, size + len(packed.data)
        ignored.update(dict.fromkeys(extra))
    return PushResult(uploaded, unchanged, rows, size, tuple(ignored))


def check(contract: Contract, file: DataFile) -> tuple[int, tuple[str, ...]]:
    """Return rows and superfluous columns of a file; raise `InputError` naming what is missing.

    Values are judged by training, which sees all files together.
    """
    reader = csv.reader(io.StringIO(text_of(file.data, name=file.name), newline=""), strict=True)
    try:
        header = next(reader, [])
        _check_header(contract, header, file.name)
        rows = 0
        for row in reader:
            if row and len(row) != len(header):
                where = f"{file.name}: line {reader.line_num}"
                raise InputError(f"{where}: expected {len(header)} values, found {len(row)}")
            rows += bool(row)
    except csv.Error as error:
        raise InputError(f"{file.name}: line {reader.line_num}: {error}") from error
    if not rows:
        raise InputError(f"{file.name}: no rows below the header")
    wanted = _wanted(contract)
    return rows, tuple(name for name in header if name not in wanted)


def pack(data: bytes) -> bytes:
    r"""Return gzipped CSV; equal content gives equal bytes.

    >>> pack(b"a\n1\n") == pack(pack(b"a\n1\n"))
    True
    """
    return gzip.compress(gzip.decompress(data) if data[:2] == GZIP else data, mtime=0)


def day(given: date | str | None, default: date) -> date:
    """Return a date as given; raise `InputError` when text is none.

    >>> day("2013-03-01", LATEST)
    datetime.date(2013, 3, 1)
    """
    if given is None or given == "":
        return default
    try:
        return date.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        raise InputError(f"{given!r} is no date; write e.g. 2013-03-01") from None


def _check_header(contract: Contract, header: list[str], name: str) -> None:
    if not header:
        raise InputError(f"{name}: the file is empty")
    header[0] = header[0].removeprefix("\ufeff")
    missing = [column for column in _wanted(contract) if column not in header]
    if missing:
        found = f"the header has: {', '.join(header)}"
        raise InputError(f"{name}: missing column {', '.join(missing)}", hint=found)
    for column in header:
        if header.count(column) > 1:
            raise InputError(f"{name}: column {column!r} stands twice in the header")


def _wanted(contract: Contract) -> tuple[str, ...]:
    time = (contract.time_column,) if contract.time_column else ()
    return (*contract.column_names, contract.target.column, *time)


def _name(file: DataFile) -> str:
    return file.name.removesuffix(".gz").removesuffix(".csv") + SUFFIX


def _same(checksum: str | None, data: bytes) -> bool:
    digest = hashlib.sha256(data)
    # S3 says base64, the registry hex.
    return checksum in {digest.hexdigest(), base64.b64encode(digest.digest()).decode()}


def _loader(project: Project) -> Loader:
    name, _, function = project.loader.partition(":")
    file = project.root / name
    module = _module(file, f"tidegate_loader_{project.root.name}")
    found: Loader | None = getattr(module, function, None)
    if not callable(found):
        raise InputError(f"{file}: no function {function!r}, which data.loader names")
    return found


def _module(file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise InputError(f"{file}: no such Python file, which data.loader names")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses of the user's module look themselves up there
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        hint = f"install it beside tidegate: {sys.executable} -m pip install {error.name}"
        raise InputError(f"{file}: {error}", hint=hint) from error
    finally:
        sys.path.remove(str(file.parent))
    return module


def _csv(project: Project, name: object, frame: Any) -> bytes:  # noqa: ANN401  # the user's frame
    if isinstance(frame, bytes):
        return frame
    if isinstance(frame, str):
        return frame.encode()
    if not hasattr(frame, "to_csv"):
        kind = type(frame).__name__
        raise InputError(
            f"{project.root}: data.loader: {name!r} is a {kind}; expected a frame, text or bytes"
        )
    return str(frame.to_csv(index=False)).encode()
