"""ONNX Runtime's own Python package as a `Session`: the reference that `OnnxSession` is held to."""

from __future__ import annotations

from typing import Any

import numpy as np

from tidegate.contract import FEATURES_INPUT, SCORES_OUTPUT
from tidegate.errors import PackageError
from tidegate.scoring.session import Matrix

# ONNX Runtime's errors share no base but Exception.
_FAULTS = (
    "EPFail",
    "EngineError",
    "Fail",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidProtobuf",
    "ModelLoadCanceled",
    "NoModel",
    "NoSuchFile",
    "NotImplemented",
    "RuntimeException",
)
ERRORS_ONLY = 3


class PybindSession:
    """A canonical model (one input `features`, one output `scores`) on the CPU."""

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        """Load; raise `PackageError` when ONNX Runtime refuses the model or it isn't canonical."""
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        self._faults = tuple(getattr(state, name) for name in _FAULTS if hasattr(state, name))
        options = _options(onnxruntime, threads)
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except (*self._faults, ValueError, RuntimeError) as error:
            raise PackageError(
                f"ONNX Runtime can't load the model: {_first_line(error)}"
            ) from error
        self._quiet = onnxruntime.RunOptions()
        self._quiet.log_severity_level = ERRORS_ONLY
        names = [[node.name for node in self._session.get_inputs()]]
        names.append([node.name for node in self._session.get_outputs()])
        if names != [[FEATURES_INPUT], [SCORES_OUTPUT]]:
            expected = f"input {FEATURES_INPUT!r} and output {SCORES_OUTPUT!r}"
            raise PackageError(f"the model has {names[0]} -> {names[1]}, not {expected}")

    def run(self, features: Matrix) -> Matrix:
        """Return scores (rows, outputs); raise `PackageError` when the run fails.

        Scores may hold NaN or infinity: ONNX Runtime reports neither, so callers check.
        """
        feed = {FEATURES_INPUT: features}
        try:
            scores: Any = self._session.run([SCORES_OUTPUT], feed, self._quiet)[0]
        except (*self._faults, ValueError, RuntimeError) as error:
            raise PackageError(f"ONNX Runtime can't run the model: {_first_line(error)}") from error
        if not isinstance(scores, np.ndarray) or scores.dtype != np.float32 or scores.ndim != 2:
            raise PackageError("the model's scores are no float32 matrix")
        return scores


def _options(onnxruntime: Any, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY  # LightGBM's label output warns on every batch
    # A spinning thread burns the CPU share that Lambda gives to the next request.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _first_line(error: BaseException) -> str:
    text = str(error).splitlines() or [type(error).__name__]
    return text[0][:300]
