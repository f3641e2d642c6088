"""Export: what `train` returned -> canonical ONNX, by the first way that answers as it does.

    ONNX model or bytes ------------------------> adopt --+
    LightGBM, HistGradientBoosting ------> its own trees -+-> canonical graph -> trial on a sample
    XGBoost, estimators of numbers only -> one matrix ----+   `features` float32 [N, k]
    Pipelines by column name ------------> typed columns -+   `scores` float32 [N, outputs]

The columns way puts a prefix before the graph that slices the matrix and turns category codes into
text again. A way that can't convert, or answers differently, is left for the next one.
"""

from tidegate.training.export.exporter import Exported, Sample, export
from tidegate.training.export.native import Native, native_model

__all__ = ["Exported", "Native", "Sample", "export", "native_model"]
