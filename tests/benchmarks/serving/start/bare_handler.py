"""The least that can answer from a model: numpy, ONNX Runtime's Python package, one session."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime

_options = onnxruntime.SessionOptions()
_options.intra_op_num_threads = _options.inter_op_num_threads = 1
_session = onnxruntime.InferenceSession(
    os.environ["LAMBDA_TASK_ROOT"] + "/model.onnx", _options, providers=["CPUExecutionProvider"]
)
_columns = _session.get_inputs()[0].shape[1]


def handle(event: object, context: object) -> dict[str, object]:
    """Answer one row of zeros."""
    row = np.zeros((1, _columns), np.float32)
    scores = _session.run(["scores"], {"features": row})[0]
    return {"statusCode": 200, "body": str(scores.tolist())}
