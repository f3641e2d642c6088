"""Both sides' sessions read the same weights, each by its own library and its own calls.

Of two sessions in one process the one that was opened later takes 0.85 to 0.98 of the other's time
when the model is larger than the caches: where the weights lie decides that, and it is more than
all that the handler does beside the model. With the same weights at the same place two sessions of
one library differ by less than 10 us of 3 ms.

Packing is off on both sides: packed weights are each session's own.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from tests.benchmarks.serving.limits import Weights
from tidegate.scoring import onnx_session, ort_api

LARGE = 1024**2  # bytes of a tensor from which it is shared
_UNPACKED = ("session.disable_prepacking", "1")
_SHARE = "AddInitializer"
_PLACE = 150  # of it in ONNX Runtime's table of functions
_KEEP: list[Any] = []  # what sessions read for as long as the process runs


def weights_of(model: Path) -> Weights:
    """Return a model's large tensors by name."""
    import onnx
    from onnx import numpy_helper

    tensors = onnx.load(str(model)).graph.initializer
    found = {one.name: numpy_helper.to_array(one).copy() for one in tensors}
    return {name: array for name, array in found.items() if array.nbytes >= LARGE}


def into_limit(options: Any, weights: Weights) -> None:
    """Have a session of onnxruntime's Python package read these weights."""
    import onnxruntime

    options.add_session_config_entry(*_UNPACKED)
    for name, array in weights.items():
        options.add_initializer(name, _kept(onnxruntime.OrtValue.ortvalue_from_numpy(array)))


def into_handler(weights: Weights) -> None:
    """Have the handler's session, which is opened later, read them."""
    ort_api._LENGTH = max(ort_api._LENGTH, _PLACE + 1)
    ort_api._FUNCTIONS[_SHARE] = (_PLACE, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p))
    as_served = onnx_session._options

    def options(ort: ort_api.OrtApi, threads: int) -> ort_api.Owned:
        made = as_served(ort, threads)
        key, value = (text.encode() for text in _UNPACKED)
        ort.call("AddSessionConfigEntry", made.pointer, key, value)
        for name, array in weights.items():
            tensor = _kept(onnx_session._bound(ort, array))
            ort.call(_SHARE, made.pointer, name.encode(), tensor.pointer)
        return made

    onnx_session._options = options


def _kept(value: Any) -> Any:
    _KEEP.append(value)
    return value
