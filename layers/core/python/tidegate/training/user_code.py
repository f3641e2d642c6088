"""The user's code: unpack -> import -> call `train(frame, params)` -> what it returned.

It runs in this process with the job's rights: the bounds here catch accidents (files written
elsewhere, megabytes printed, nothing returned), they are no prison. Every failure is a
`UserCodeError` whose text begins with what went wrong; the traceback starts at the user's own code.
"""

from __future__ import annotations

import importlib.util
import io
import stat
import sys
import traceback
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType

import pandas as pd

from tidegate.errors import UserCodeError
from tidegate.project import Param
from tidegate.training.bounds import confined, limited_output

MAX_CODE_BYTES = 50_000_000
MAX_TRACE = 3000  # characters; the newest frames are kept

TrainFunction = Callable[[pd.DataFrame, dict[str, Param]], object]


@dataclass(frozen=True)
class Trained:
    """What `train` returned, and the end of what it printed."""

    model: object
    output: str


def unpack_code(data: bytes, folder: Path) -> None:
    """Unpack `code.zip` into a folder; refuse links, paths that leave it, bombs."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MAX_CODE_BYTES:
                raise UserCodeError(f"code.zip unpacks to more than {MAX_CODE_BYTES} bytes")
            for member in members:
                _check_member(member)
            archive.extractall(folder)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise UserCodeError(f"code.zip can't be read: {error}") from None


def _check_member(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename)
    kind = member.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename or stat.S_ISLNK(kind):
        raise UserCodeError(f"code.zip: {member.filename!r} would be written outside its folder")


def train(folder: Path, *, entry: str, frame: pd.DataFrame, params: Mapping[str, Param]) -> Trained:
    """Call the entry `file.py:function` of a folder with the frame and the parameters."""
    with confined(folder), limited_output() as captured:
        function = _function(folder, entry)
        try:
            model = function(frame, dict(params))
        # Whatever user code raises, SystemExit included, fails the run with its own traceback.
        except BaseException as error:  # noqa: BLE001
            raise _failure(error, folder, f"{entry} failed") from None
    if model is None:
        raise UserCodeError(
            f"{entry} returned nothing; return the fitted estimator or an ONNX model"
        )
    return Trained(model, captured.text())


def _function(folder: Path, entry: str) -> TrainFunction:
    file, _, name = entry.partition(":")
    path = folder / file
    if not path.is_file():
        raise UserCodeError(f"{file} is not in the model's folder")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UserCodeError(f"{file} can't be imported")
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # estimators of classes in this file refer to it by name
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # noqa: BLE001 - as in `train`
        raise _failure(error, folder, f"{file} can't be imported") from None
    function = getattr(module, name, None)
    if not callable(function):
        raise UserCodeError(f"{file} has no function {name!r}")
    return function  # type: ignore[no-any-return]


def _failure(error: BaseException, folder: Path, what: str) -> UserCodeError:
    frames = traceback.extract_tb(error.__traceback__)
    root = str(folder.resolve())
    first = next((i for i, f in enumerate(frames) if f.filename.startswith(root)), 0)
    kept = [_relative(frame, root) for frame in frames[first:]]
    trace = "".join(traceback.format_list(kept))
    if len(trace) > MAX_TRACE:
        trace = "...\n" + trace[-MAX_TRACE:]
    summary = "".join(traceback.format_exception_only(error)).strip()
    return UserCodeError(f"{what}: {summary}\nTraceback (most recent call last):\n{trace}")


def _relative(frame: traceback.FrameSummary, root: str) -> traceback.FrameSummary:
    name = frame.filename.removeprefix(root).lstrip("/") if frame.filename.startswith(root) else ""
    return traceback.FrameSummary(
        name or frame.filename, frame.lineno, frame.name, lookup_line=True, line=frame.line
    )
