"""ONNX Runtime as a `Session`: its C API, CPU, quiet, one input and one output by name.

A frame is a pair of matrices that ONNX Runtime reads and writes in place. Small ones are kept:
then a run is one call of C.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from struct import Struct

import numpy as np

from tidegate.contract import FEATURES_INPUT, SCORES_OUTPUT
from tidegate.errors import PackageError
from tidegate.scoring.ort_api import (
    ERRORS_ONLY,
    FLOAT32,
    OrtApi,
    Owned,
    ort_api,
)
from tidegate.scoring.session import Matrix, Packed

VCPU_MB = 1769  # of a function's memory, for which Lambda gives one whole vCPU
KEPT_VALUES = 4096  # of a frame's input: 16 kB are copied faster than bound
KEPT_FRAMES = 16
KEPT_FREE = 64 * 1024**2  # bytes that may lie free; larger blocks than half of it are given back
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_NO_SPINNING = (b"session.intra_op.allow_spinning", b"session.inter_op.allow_spinning")
_FLOAT32 = np.dtype(np.float32)
_Shape = ctypes.c_int64 * 2
# Arguments of a run are converted once: ctypes then passes them on as they are.
_FEATURES, _SCORES = (
    ctypes.byref((ctypes.c_char_p * 1)(name.encode())) for name in (FEATURES_INPUT, SCORES_OUTPUT)
)
_ONE = ctypes.c_size_t.from_param(1)


def threads_for(memory_mb: int) -> int:
    """Return how many threads run one model in a Lambda function of so much memory.

    Several add in another order than one: scores then differ in their last digits.

    >>> threads_for(512), threads_for(3537), threads_for(3538)
    (1, 1, 2)
    """
    return max(1, memory_mb // VCPU_MB)


class OnnxSession:
    """A canonical model (one input `features`, one output `scores`) on the CPU."""

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        """Load; raise `PackageError` when ONNX Runtime refuses the model or it isn't canonical."""
        self._ort = ort_api()
        self._run = self._ort.run
        try:
            options = _options(self._ort, threads)
            self._session = self._ort.made(
                "Session",
                "CreateSessionFromArray",
                self._ort.environment,
                model,
                len(model),
                options.pointer,
            )
            self._quiet = self._ort.made("RunOptions", "CreateRunOptions")
            self._ort.call("RunOptionsSetRunLogSeverityLevel", self._quiet.pointer, ERRORS_ONLY)
            self.columns, self._outputs = _widths(self._ort, self._session)
        except PackageError as error:
            raise PackageError(f"ONNX Runtime can't load the model: {error}") from error
        _settle_memory()
        self._frames: dict[int, Frame] = {}  # that nobody uses now, by bytes of their features
        pointers = (self._session.pointer, self._quiet.pointer)
        self._head = (*(ctypes.c_void_p.from_param(one.value) for one in pointers), _FEATURES)

    def run(self, features: Matrix) -> Matrix:
        """Return scores (rows, outputs); raise `PackageError` when the run fails.

        The array is the caller's own; several threads may call at once. Scores may hold NaN or
        infinity: ONNX Runtime reports neither, so callers check.
        """
        rows = len(features)
        if features.dtype != _FLOAT32 or features.shape != (rows, self.columns):
            raise self._refused()
        if rows * self.columns > KEPT_VALUES:
            once = Frame(self._ort, self._head, np.ascontiguousarray(features), self._outputs)
            if (status := self._run(*once.arguments)) is not None:
                raise self._failed(status)
            return once.scores
        size = features.nbytes
        frame = self._frames.pop(size, None)
        if frame is None:
            frame = self._new_frame(size)
        frame.features[...] = features
        if (status := self._run(*frame.arguments)) is not None:
            raise self._failed(status)
        scores = frame.scores.copy()
        self._frames[size] = frame
        return scores

    def run_few(self, rows: Packed) -> tuple[float, ...]:
        """Return what `run` would of these rows, row after row."""
        size = len(rows)
        # Taken out while it runs: two threads share none.
        frame = self._frames.pop(size, None)
        if frame is None:
            frame = self._new_frame(size)
        frame.input[:] = rows
        if (status := self._run(*frame.arguments)) is not None:
            raise self._failed(status)
        read_numbers = frame.read_numbers  # a method would be looked up by its name
        scores: tuple[float, ...] = read_numbers(frame.output)
        self._frames[size] = frame
        return scores

    def _new_frame(self, size: int) -> Frame:
        """Return a frame of so many bytes of features, and see that there is room to keep it."""
        rows, rest = divmod(size, 4 * self.columns)
        if rest:
            raise self._refused()
        if len(self._frames) >= KEPT_FRAMES:
            self._frames.clear()
        features = np.empty((rows, self.columns), np.float32)
        return Frame(self._ort, self._head, features, self._outputs)

    def _failed(self, status: int) -> PackageError:
        return PackageError(f"ONNX Runtime can't run the model: {self._ort.reason(status)}")

    def _refused(self) -> PackageError:
        expected = f"a float32 matrix of {self.columns} columns"
        return PackageError(f"ONNX Runtime can't run the model: its input is {expected}")


def _settle_memory() -> None:
    """Hand back to the system what loading took, and keep from now on what a request takes.

    A body of megabytes would have its pages taken and given back by every request: a fifth of its
    time. Lambda reserves the function's memory either way.
    """
    with suppress(AttributeError, OSError):  # of glibc, which Lambda has
        libc = ctypes.CDLL(None)
        libc.malloc_trim(0)
        libc.mallopt(_TRIM_THRESHOLD, KEPT_FREE)
        libc.mallopt(_MMAP_THRESHOLD, KEPT_FREE // 2)


class Frame:
    """Features (rows, columns) and scores (rows, outputs) as ONNX Runtime takes them.

    `input` and `output` are the same as bytes, and `read_numbers` reads scores out of those.
    """

    __slots__ = ("_values", "arguments", "features", "input", "output", "read_numbers", "scores")

    def __init__(
        self, ort: OrtApi, head: tuple[object, ...], features: Matrix, outputs: int
    ) -> None:
        """Bind a contiguous matrix, and one for its scores, behind the `head` of a run."""
        self.features = features
        self.scores = np.empty((len(features), outputs), np.float32)
        self._values = [_bound(ort, matrix) for matrix in (self.features, self.scores)]
        read, written = (ctypes.byref(value.pointer) for value in self._values)
        self.arguments = (*head, read, _ONE, _SCORES, _ONE, written)
        self.input, self.output = (
            matrix.reshape(-1).view(np.uint8).data for matrix in (self.features, self.scores)
        )
        self.read_numbers = Struct(f"{self.scores.size}f").unpack


def _bound(ort: OrtApi, matrix: Matrix) -> Owned:
    shape, address = _Shape(*matrix.shape), matrix.ctypes.data
    tensor = (ort.memory, address, matrix.nbytes, ctypes.byref(shape), 2, FLOAT32)
    return ort.made("Value", "CreateTensorWithDataAsOrtValue", *tensor)


def _options(ort: OrtApi, threads: int) -> Owned:
    options = ort.made("SessionOptions", "CreateSessionOptions")
    ort.call("SetIntraOpNumThreads", options.pointer, threads)
    ort.call("SetInterOpNumThreads", options.pointer, 1)
    ort.call("SetSessionLogSeverityLevel", options.pointer, ERRORS_ONLY)
    # A spinning thread burns the CPU share that Lambda gives to the next request.
    for key in _NO_SPINNING:
        ort.call("AddSessionConfigEntry", options.pointer, key, b"0")
    return options


def _widths(ort: OrtApi, session: Owned) -> tuple[int, int]:
    """Return the columns of input and output; raise `PackageError` unless they are canonical."""
    names = [_names(ort, session, side) for side in ("Input", "Output")]
    if names != [[FEATURES_INPUT], [SCORES_OUTPUT]]:
        expected = f"input {FEATURES_INPUT!r} and output {SCORES_OUTPUT!r}"
        raise PackageError(f"the model has {names[0]} -> {names[1]}, not {expected}")
    return _width(ort, session, "Input"), _width(ort, session, "Output")


def _width(ort: OrtApi, session: Owned, side: str) -> int:
    info = ort.made("TypeInfo", f"SessionGet{side}TypeInfo", session.pointer, 0)
    tensor = ctypes.c_void_p()
    ort.call("CastTypeInfoToTensorInfo", info.pointer, ctypes.byref(tensor))
    element, count, shape = ctypes.c_int(), ctypes.c_size_t(), list[int]()
    if tensor.value:  # null for a sequence or a map
        ort.call("GetTensorElementType", tensor, ctypes.byref(element))
        ort.call("GetDimensionsCount", tensor, ctypes.byref(count))
        dimensions = (ctypes.c_int64 * count.value)()
        ort.call("GetDimensions", tensor, dimensions, count.value)
        shape = list(dimensions)  # -1 where the model leaves it open
    if element.value != FLOAT32 or len(shape) != 2 or shape[0] != -1 or shape[1] < 1:
        shown = ["any" if length < 0 else length for length in shape]
        expected = "float32 of any rows and a fixed number of columns"
        raise PackageError(f"the model's {side.lower()} is {shown}, not {expected}")
    return shape[1]


def _names(ort: OrtApi, session: Owned, side: str) -> list[str]:
    count, names = ctypes.c_size_t(), []
    ort.call(f"SessionGet{side}Count", session.pointer, ctypes.byref(count))
    for i in range(count.value):
        text = ctypes.c_char_p()
        place = (session.pointer, i, ort.allocator, ctypes.byref(text))
        ort.call(f"SessionGet{side}Name", *place)
        names.append((text.value or b"").decode(errors="replace"))
        ort.call("AllocatorFree", ort.allocator, text)
    return names
