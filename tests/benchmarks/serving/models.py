"""Three models, each a whole package as training makes it: small, wide, large.

Wide has 200 columns, large 50 MB of weights. The same seeds give the same models; they are kept
under a digest of the sources that make them.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.benchmarks.serving import payloads
from tidegate.contract import Column, Contract, Target
from tidegate.encoding.encoder import Encoder
from tidegate.package.archive import build_package
from tidegate.package.golden_codec import golden_to_json
from tidegate.package.inputs import (
    FileRead,
    data_to_json,
    digest_of_files,
    environment_digest,
    environment_to_text,
)
from tidegate.package.manifest import Golden
from tidegate.package.reference_codec import reference_to_json
from tidegate.registry.values import Lineage
from tidegate.scoring.onnx_session import OnnxSession
from tidegate.scoring.predictions import labels, tracked
from tidegate.scoring.session import Matrix, Session
from tidegate.windows.binning import make_bins, score_bins, summarize
from tidegate.windows.values import Reference

NAMES = ("small", "wide", "large")
_TRAINING_ROWS = 20_000
_GOLDEN_ROWS = 16
_WIDTH = 2_500  # of the large model's two layers: 2 * 2,500 * 2,500 float32 are 50 MB
_SIZES = {"small": (14, 2, 3, 1), "wide": (150, 25, 20, 5), "large": (14, 2, 3, 1)}
_LEVELS = (16, 3, 80)  # categories of the category columns, in turn


def folder_of(name: str, below: Path) -> Path:
    """Return the unpacked package of one of `NAMES`; make it unless it is there."""
    sources = (Path(__file__), Path(payloads.__file__))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:12]
    folder = below / f"{name}-{digest}"
    if not folder.is_dir():
        beside = folder.with_suffix(".part")
        shutil.rmtree(beside, ignore_errors=True)
        with zipfile.ZipFile(io.BytesIO(_package(name))) as archive:
            archive.extractall(beside)
        beside.rename(folder)
    return folder


def contract_of(name: str) -> Contract:
    """Return the contract: floats (some nullable), whole numbers, categories, booleans."""
    floats, integers, categories, booleans = _SIZES[name]
    levels = [_LEVELS[i % len(_LEVELS)] for i in range(categories)]
    columns = (
        *(
            Column(f"float_{i}", "float", minimum=-100, maximum=100, nullable=i % 2 == 1)
            for i in range(floats)
        ),
        *(Column(f"integer_{i}", "integer", minimum=0, maximum=23) for i in range(integers)),
        *(
            Column(
                f"category_{i}",
                "category",
                categories=tuple(f"level {k}" for k in range(number)),
                unknown="map" if number > 3 else "reject",
            )
            for i, number in enumerate(levels)
        ),
        *(Column(f"boolean_{i}", "boolean") for i in range(booleans)),
    )
    target = Target("outcome", ("no", "yes"))
    return Contract(name, "binary", columns, target, max_rows=10_000, max_bytes=6_000_000)


def _package(name: str) -> bytes:
    contract = contract_of(name)
    matrix = payloads.matrix_of(contract, _TRAINING_ROWS, seed=0, nulls=0.02)
    make: Callable[[Contract, Matrix], bytes] = _layers if name == "large" else _trees
    model = make(contract, matrix)
    session = OnnxSession(model)
    environment = ("python==3.11",)
    data = (FileRead(f"data/{name}/2026-11-01.csv.gz", "0" * 64, 1, len(matrix)),)
    files = {
        "model.onnx": model,
        "contract.json": contract.to_json(),
        "reference.json": reference_to_json(_reference(contract, matrix, session)),
        "golden.json": golden_to_json(_golden(contract, matrix, session)),
        "card.md": b"# A model of the benchmark\n",
        "environment.txt": environment_to_text(environment),
        "data.json": data_to_json(data),
    }
    lineage = Lineage(
        data_digest=digest_of_files(data),
        code_digest="0" * 64,
        environment_digest=environment_digest(environment),
        params={},
        seed=0,
    )
    return build_package(files, model=name, lineage=lineage, metrics={"auc": 0.5})


def _trees(contract: Contract, matrix: Matrix) -> bytes:
    """Fit 60 trees as a model's `train` would, and export them as a training job does."""
    from lightgbm import LGBMClassifier

    from tidegate.training.export.exporter import Sample, export
    from tidegate.training.frames import feature_frame

    noise = np.random.default_rng(1).normal(size=len(matrix))
    known = np.nan_to_num(matrix)
    target = known[:, 0] + known[:, 1] * known[:, 2] + 0.1 * known[:, -3] + noise > 1.0
    frame = feature_frame(matrix, contract)
    fitted = LGBMClassifier(n_estimators=60, num_leaves=31, verbose=-1, random_state=0, n_jobs=1)
    fitted.fit(frame, np.where(target, "yes", "no"))
    sample = Sample(frame.head(500), matrix[:500])
    return export(fitted, contract, sample=sample, open_session=OnnxSession).model


def _layers(contract: Contract, matrix: Matrix) -> bytes:
    """Return a network with two layers of 2,500 x 2,500 weights; it has learnt nothing."""
    from onnx import TensorProto, helper, numpy_helper

    source = np.random.default_rng(2)
    shapes = ((matrix.shape[1], _WIDTH), (_WIDTH, _WIDTH), (_WIDTH, _WIDTH), (_WIDTH, 2))
    weights = [
        (source.normal(size=shape) * np.sqrt(2 / shape[0])).astype(np.float32) for shape in shapes
    ]
    constants = [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)]
    constants.append(numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
    nodes = [
        helper.make_node("IsNaN", ["features"], ["null"]),
        helper.make_node("Where", ["null", "zero", "features"], ["h0"]),
    ]
    for i in range(3):
        nodes.append(helper.make_node("MatMul", [f"h{i}", f"w{i}"], [f"z{i}"]))
        nodes.append(helper.make_node("Relu", [f"z{i}"], [f"h{i + 1}"]))
    nodes.append(helper.make_node("MatMul", ["h3", "w3"], ["logits"]))
    nodes.append(helper.make_node("Softmax", ["logits"], ["scores"], axis=1))
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, matrix.shape[1]])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, contract.outputs])],
        initializer=constants,
    )
    made: Any = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    content: bytes = made.SerializeToString(deterministic=True)
    return content


def _reference(contract: Contract, matrix: Matrix, session: Session) -> Reference:
    scores = session.run(matrix[:2_000])
    score = tracked(contract, scores)
    columns = {
        column.name: summarize(make_bins(values, column), values)
        for column, values in zip(contract.columns, matrix.T, strict=True)
    }
    told: Sequence[str] | npt.NDArray[Any] = labels(contract, scores)
    return Reference(
        columns=columns,
        score=summarize(score_bins(contract.task, score), score),
        labels=dict(sorted(Counter(told).items())),
        metrics={"auc": 0.5},
        block_rows=0,
    )


def _golden(contract: Contract, matrix: Matrix, session: Session) -> Golden:
    found = payloads.records(contract, matrix[:_GOLDEN_ROWS])
    answers = session.run(Encoder(contract).records(list(found)))
    return Golden(tuple(found), tuple(tuple(map(float, row)) for row in answers))
