"""A whole package around the linear model of `onnx_models`."""

from __future__ import annotations

from dataclasses import replace

from tests.fakes.onnx_models import CONTRACT, linear
from tidegate.package.archive import build_package
from tidegate.package.golden_codec import golden_to_json
from tidegate.package.manifest import CARD, GOLDEN, MODEL, REFERENCE, Golden
from tidegate.package.manifest import CONTRACT as CONTRACT_FILE
from tidegate.package.reference_codec import reference_to_json
from tidegate.registry.values import DataObject, Lineage
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
LINEAGE = Lineage(
    data_digest="d" * 64,
    code_digest="c" * 64,
    environment_digest="e" * 64,
    params={"depth": 3, "rate": 0.1, "kind": "x", "early": True},
    seed=7,
    training_job="job-1",
    data_objects=(DataObject("data/ferry-delay/a.csv.gz", "v1", "a" * 64, 10),),
)


def package_files() -> dict[str, bytes]:
    """Return the contents of a package, all but the manifest."""
    return {
        MODEL: linear().SerializeToString(deterministic=True),
        CONTRACT_FILE: CONTRACT.to_json(),
        REFERENCE: reference_to_json(REFERENCE_VALUES),
        GOLDEN: golden_to_json(GOLDEN_REQUESTS),
        CARD: b"# Ferry delay\n",
    }


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
