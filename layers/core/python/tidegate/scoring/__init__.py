"""From the model's matrix to scores: the session port and its ONNX Runtime adapter."""
