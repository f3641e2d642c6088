"""Save a package's model in MLflow's ONNX flavour: `python save.py <package> <folder>`."""

from __future__ import annotations

import sys
from pathlib import Path

import mlflow
import numpy as np
import onnx
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

_ONE_THREAD = {
    "intra_op_num_threads": 1,
    "inter_op_num_threads": 1,
    "execution_mode": "sequential",
    "extra_session_config": {"session.intra_op.allow_spinning": "0"},
}

if __name__ == "__main__":
    package, folder = map(Path, sys.argv[1:])
    model = onnx.load(package / "model.onnx")
    columns = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    features = TensorSpec(np.dtype(np.float32), (-1, columns), "features")
    mlflow.onnx.save_model(
        model,
        folder,
        signature=ModelSignature(inputs=Schema([features])),
        onnx_session_options=_ONE_THREAD,
        pip_requirements=[],
    )
