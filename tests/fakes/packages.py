"""A whole package around the linear model of `onnx_models`."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

from tests.fakes.onnx_models import CONTRACT, linear
from tidegate.package.archive import CONTENTS, build_package, open_package
from tidegate.package.golden_codec import golden_to_json
from tidegate.package.inputs import (
    FileRead,
    data_to_json,
    digest_of_files,
    environment_digest,
    environment_to_text,
)
from tidegate.package.manifest import CARD, DATA, ENVIRONMENT, GOLDEN, MODEL, REFERENCE, Golden
from tidegate.package.manifest import CONTRACT as CONTRACT_FILE
from tidegate.package.reference_codec import reference_to_json
from tidegate.registry.values import Lineage
from tidegate.windows.values import Bins, ColumnReference, Counts, Reference

GOLDEN_REQUESTS = Golden(
    records=({"wind": 3.0, "harbour": "south"}, {"wind": 0.5, "harbour": "north"}),
    scores=((16.0,), (1.0,)),
)
REFERENCE_VALUES = Reference(
    columns={
        "wind": ColumnReference(
            Bins(edges=(1.0, 2.5)), Counts((3, 4, 5), missing=1), (0.5, 2.0, 9.0), 4.5, (0.1,)
        ),
        "harbour": ColumnReference(Bins(levels=("north", "south")), Counts((7, 6))),
    },
    score=ColumnReference(Bins(edges=(10.0,)), Counts((8, 5)), (4.0, 16.0), 6.0),
    labels={},
    metrics={"rmse": 1.5},
    block_rows=5,
)
ENVIRONMENT_LINES = ("python==3.13.1", "platform==linux-x86_64", "numpy==2.4.6")
DATA_FILES = (
    FileRead("data/ferry-delay/2013-01-01.csv.gz", "a" * 64, 120, 8),
    FileRead("data/ferry-delay/2013-02-01.csv.gz", "b" * 64, 90, 5),
)
INPUTS = {
    ENVIRONMENT: environment_to_text(ENVIRONMENT_LINES),
    DATA: data_to_json(DATA_FILES),
}
LINEAGE = Lineage(
    data_digest=digest_of_files(DATA_FILES),
    code_digest="c" * 64,
    environment_digest=environment_digest(ENVIRONMENT_LINES),
    params={"depth": 3, "rate": 0.1, "kind": "x", "early": True},
    seed=7,
    training_job="job-1",
)


def package_files() -> dict[str, bytes]:
    """Return the contents of a package, all but the manifest."""
    return {
        MODEL: linear().SerializeToString(deterministic=True),
        CONTRACT_FILE: CONTRACT.to_json(),
        REFERENCE: reference_to_json(REFERENCE_VALUES),
        GOLDEN: golden_to_json(GOLDEN_REQUESTS),
        CARD: b"# Ferry delay\n",
        **INPUTS,
    }


def model_apart(package: bytes) -> tuple[bytes, bytes]:
    """Return a package as it is when its model is too large for it, and the model."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        files = {name: archive.read(name) for name in CONTENTS}
    made = open_package(package).manifest
    apart = build_package(
        files, model=made.model, lineage=made.lineage, metrics=made.metrics, max_bytes=0
    )
    return apart, files[MODEL]


def package_bytes(*, job: str = "job-1", parent: int = 3, **changes: bytes) -> bytes:
    """Return a package; `changes` replace contents by name, with _ for the dot."""
    files = package_files()
    files.update({name.replace("_", "."): data for name, data in changes.items()})
    return build_package(
        files,
        model="ferry-delay",
        lineage=replace(LINEAGE, training_job=job, parent=parent),
        metrics={"rmse": 1.5},
    )
