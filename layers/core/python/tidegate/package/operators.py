"""Operators that a model may use: those of tabular models, each ending in time bound by its shapes.

Not on the list on purpose: `Loop`, `Scan`, `If`, `SequenceMap` (they hold graphs, and `Loop` need
not end), random operators and `Dropout` (answers must repeat), text operators (a contract has no
text column), `ZipMap` (its answer is no tensor), everything that reads from outside the graph.
"""

from __future__ import annotations

ONNX_DOMAINS = ("", "ai.onnx")
ML_DOMAIN = "ai.onnx.ml"
OPSETS = {"": range(9, 27), ML_DOMAIN: range(1, 6)}
IR_VERSIONS = range(3, 14)

_ARITHMETIC = """
    Abs Add Ceil Clip Cos CumSum Div Erf Exp Floor Log Max Mean Min Mod Mul Neg Pow Reciprocal Round
    Sign Sin Sqrt Sub Sum Tan Tanh
"""
_LOGIC = "And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Where Xor"
_LINEAR = "Einsum Gemm MatMul"
_ACTIVATIONS = """
    Celu Elu Gelu HardSigmoid HardSwish Hardmax LeakyRelu LogSoftmax Mish PRelu Relu Selu Sigmoid
    Softmax Softplus Softsign Swish ThresholdedRelu
"""
_NORMALIZATIONS = """
    BatchNormalization GroupNormalization LayerNormalization LpNormalization
    MeanVarianceNormalization RMSNormalization
"""
_REDUCTIONS = """
    ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare TopK
"""
_SHAPES = """
    Cast CastLike Concat Constant ConstantOfShape Expand Flatten Gather GatherElements GatherND
    Identity OneHot Pad Range Reshape ScatterElements ScatterND Shape Size Slice Split Squeeze Tile
    Transpose Trilu Unsqueeze
"""
_ML = """
    ArrayFeatureExtractor Binarizer CategoryMapper FeatureVectorizer Imputer LabelEncoder
    LinearClassifier LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler
    TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
"""

ALLOWED: dict[str, frozenset[str]] = {
    "": frozenset(
        " ".join(
            (_ARITHMETIC, _LOGIC, _LINEAR, _ACTIVATIONS, _NORMALIZATIONS, _REDUCTIONS, _SHAPES)
        ).split()
    ),
    ML_DOMAIN: frozenset(_ML.split()),
}


def canonical_domain(domain: str) -> str:
    """Return a domain under its one name: `ai.onnx` is the default domain.

    >>> canonical_domain("ai.onnx")
    ''
    """
    return "" if domain in ONNX_DOMAINS else domain


def is_allowed(domain: str, operator: str) -> bool:
    """Tell whether a model may use an operator."""
    return operator in ALLOWED.get(canonical_domain(domain), frozenset())
