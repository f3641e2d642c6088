"""ONNX Runtime's C API by ctypes: the few functions of it that a session needs.

The table of functions only grows at its end: the order up to API version 5 was fixed by ONNX
Runtime 1.4, and every later release promises it (`static_assert`s in its onnxruntime_c_api.cc).
The indexes below are places in that table, so nothing is parsed when a container starts; and
paths are texts, for to import pathlib takes 2 ms of it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from _thread import allocate_lock, start_new_thread
from contextlib import suppress
from importlib.machinery import PathFinder
from os.path import basename, isdir, join
from typing import Any

from tidegate.errors import PackageError

API_VERSION = 5  # the first one that has all of _FUNCTIONS
FLOAT32 = 1  # ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
ERRORS_ONLY = 3  # ORT_LOGGING_LEVEL_ERROR: LightGBM's label output warns on every batch
_DEVICE_ALLOCATOR, _DEFAULT_MEMORY = 0, 0

_Any, _Text, _Int, _Size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
# Name: place in the table, then its arguments. Every one of them returns a status.
_FUNCTIONS: dict[str, tuple[int, tuple[Any, ...]]] = {
    "CreateEnv": (3, (_Int, _Text, _Any)),
    "CreateSessionFromArray": (8, (_Any, _Text, _Size, _Any, _Any)),
    # Without argument types: ctypes then takes objects of its own as they are, and faster.
    "Run": (9, ()),
    "CreateSessionOptions": (10, (_Any,)),
    "DisableMemPattern": (17, (_Any,)),
    "DisableCpuMemArena": (19, (_Any,)),
    "SetSessionLogSeverityLevel": (22, (_Any, _Int)),
    "SetSessionGraphOptimizationLevel": (23, (_Any, _Int)),
    "SetIntraOpNumThreads": (24, (_Any, _Int)),
    "SetInterOpNumThreads": (25, (_Any, _Int)),
    "SessionGetInputCount": (30, (_Any, _Any)),
    "SessionGetOutputCount": (31, (_Any, _Any)),
    "SessionGetInputTypeInfo": (33, (_Any, _Size, _Any)),
    "SessionGetOutputTypeInfo": (34, (_Any, _Size, _Any)),
    "SessionGetInputName": (36, (_Any, _Size, _Any, _Any)),
    "SessionGetOutputName": (37, (_Any, _Size, _Any, _Any)),
    "CreateRunOptions": (39, (_Any,)),
    "RunOptionsSetRunLogSeverityLevel": (41, (_Any, _Int)),
    "CreateTensorWithDataAsOrtValue": (49, (_Any, _Any, _Size, _Any, _Size, _Int, _Any)),
    "CastTypeInfoToTensorInfo": (55, (_Any, _Any)),
    "GetTensorElementType": (60, (_Any, _Any)),
    "GetDimensionsCount": (61, (_Any, _Any)),
    "GetDimensions": (62, (_Any, _Any, _Size)),
    "CreateCpuMemoryInfo": (69, (_Int, _Int, _Any)),
    "AllocatorFree": (76, (_Any, _Any)),
    "GetAllocatorWithDefaultOptions": (78, (_Any,)),
    "AddSessionConfigEntry": (130, (_Any, _Text, _Text)),
}
_RELEASES = {
    "Status": 93,
    "Session": 95,
    "Value": 96,
    "RunOptions": 97,
    "TypeInfo": 98,
    "SessionOptions": 100,
}
_LENGTH = 131  # of the table, as far as it is read


class Owned:
    """A pointer to something of ONNX Runtime that is released with this object."""

    __slots__ = ("_release", "pointer")

    def __init__(self, release: Any) -> None:  # noqa: ANN401 - a C function
        """Start with no pointer: a failed creation has nothing to release."""
        self.pointer, self._release = ctypes.c_void_p(), release

    def __del__(self) -> None:
        if self.pointer.value:
            self._release(self.pointer)


class OrtApi:
    """The functions by name; each raises `PackageError` when ONNX Runtime says no."""

    def __init__(self, library: str) -> None:
        """Load the library; raise `PackageError` when it is none, or too old."""
        try:
            start = ctypes.CDLL(library).OrtGetApiBase
        except (OSError, AttributeError) as error:
            raise PackageError(f"{basename(library)} is no ONNX Runtime: {error}") from error
        start.restype = ctypes.POINTER(_Any * 2)
        get_api, get_version = start().contents
        self.version = ctypes.CFUNCTYPE(_Text)(get_version)().decode()
        table = ctypes.CFUNCTYPE(_Any, ctypes.c_uint32)(get_api)(API_VERSION)
        if not table:
            raise PackageError(f"ONNX Runtime {self.version} has no API {API_VERSION}")
        self._table = (_Any * _LENGTH).from_address(table)
        self._message = ctypes.CFUNCTYPE(_Text, _Any)(self._at(2))
        self._releases = {
            name: ctypes.CFUNCTYPE(None, _Any)(self._at(place)) for name, place in _RELEASES.items()
        }
        self.run = self.function("Run")
        self.environment, self.memory, self.allocator = _Any(), _Any(), _Any()
        self.call("CreateEnv", ERRORS_ONLY, b"tidegate", ctypes.byref(self.environment))
        self.call(
            "CreateCpuMemoryInfo", _DEVICE_ALLOCATOR, _DEFAULT_MEMORY, ctypes.byref(self.memory)
        )
        self.call("GetAllocatorWithDefaultOptions", ctypes.byref(self.allocator))

    def function(self, name: str) -> Any:  # noqa: ANN401 - a C function
        """Return a function that returns a status: None, or an address for `check`."""
        place, arguments = _FUNCTIONS[name]
        return ctypes.CFUNCTYPE(_Any, *arguments)(self._at(place))

    def call(self, name: str, *arguments: Any) -> None:  # noqa: ANN401 - what ctypes takes
        """Call a function; raise `PackageError` unless its status is OK."""
        self.check(self.function(name)(*arguments))

    def made(self, kind: str, name: str, *arguments: Any) -> Owned:  # noqa: ANN401
        """Call a function whose last argument is where it puts a new object; own that object."""
        owned = Owned(self._releases[kind])
        self.call(name, *arguments, ctypes.byref(owned.pointer))
        return owned

    def check(self, status: int | None) -> None:
        """Raise `PackageError` for a status that is not OK."""
        if status:
            raise PackageError(self.reason(status))

    def reason(self, status: int) -> str:
        """Return what a status that is not OK says, and release it."""
        text = self._message(status).decode(errors="replace").splitlines()
        self._releases["Status"](status)
        return text[0][:600] if text else "no reason given"

    def _at(self, place: int) -> int:
        return self._table[place] or 0


_loading = allocate_lock()
_loaded: list[OrtApi] = []  # one, once it is


def ort_api() -> OrtApi:
    """Return the process's ONNX Runtime, loaded once.

    Raises `PackageError` when the `onnxruntime` distribution isn't installed.
    """
    with _loading:
        if not _loaded:
            _loaded.append(OrtApi(_library()))
        return _loaded[0]


def load_ahead() -> None:
    """Begin to load it in a thread.

    ONNX Runtime takes 20 ms to list its operators, and lets Python import other things meanwhile.
    """
    start_new_thread(_load, ())


def _load() -> None:
    with suppress(Exception):  # told to whoever asks for it
        ort_api()


def _library() -> str:
    """Find the C library in the distribution, whose Python package is never imported."""
    start, end = {"win32": ("onnxruntime", ".dll"), "darwin": ("libonnxruntime.", ".dylib")}.get(
        sys.platform, ("libonnxruntime.so.", "")
    )
    spec = PathFinder.find_spec("onnxruntime")
    for package in spec.submodule_search_locations or () if spec else ():
        folder = join(package, "capi")
        for name in sorted(os.listdir(folder) if isdir(folder) else ()):
            if name.startswith(start) and name.endswith(end):
                return join(folder, name)
    raise PackageError(f"onnxruntime/capi/{start}*{end} isn't on sys.path; install onnxruntime")
