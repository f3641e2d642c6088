"""A whole small package, as training would make it: minutes = 2 * wind + 10 * harbour."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from tests.fakes.onnx_models import CONTRACT, linear
from tests.fakes.packages import INPUTS, LINEAGE
from tidegate.package.archive import build_package
from tidegate.package.golden_codec import golden_to_json
from tidegate.package.manifest import Golden
from tidegate.package.reference_codec import reference_to_json
from tidegate.windows.binning import make_bins, score_bins, summarize
from tidegate.windows.values import Reference

WIND, HARBOUR = [0.0, 10.0, 20.0], [0.0, 1.0, 1.0]
MINUTES = [0.0, 30.0, 50.0]


def reference() -> Reference:
    wind, harbour = CONTRACT.columns
    return Reference(
        columns={
            "wind": summarize(make_bins(WIND, wind), WIND),
            "harbour": summarize(make_bins(HARBOUR, harbour), HARBOUR),
        },
        score=summarize(score_bins("regression", MINUTES), MINUTES),
        labels={},
        metrics={"rmse": 1.0},
        block_rows=3,
    )


def package() -> bytes:
    golden = Golden(({"wind": 10.0, "harbour": "south"},), ((30.0,),))
    files = {
        "model.onnx": linear().SerializeToString(),
        "contract.json": CONTRACT.to_json(),
        "reference.json": reference_to_json(reference()),
        "golden.json": golden_to_json(golden),
        "card.md": b"# Ferry delay\n",
        **INPUTS,
    }
    return build_package(files, model="ferry-delay", lineage=LINEAGE, metrics={"rmse": 1.0})


def unpack(data: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    return folder
