"""The Open Inference Protocol's paths below a model's own, and what they tell of server and model.

Each model has an address of its own, which a client takes for a server: `/models/NAME` + `/v2/...`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tidegate.contract import Contract
from tidegate.errors import NotFoundError
from tidegate.serving.protocols.open_inference import output_forms
from tidegate.serving.protocols.tensors import datatypes
from tidegate.serving.served import Served

PLATFORM = "onnxruntime_onnx"  # Triton's name for it
EXTENSIONS = ("binary_tensor_data",)
_SERVER = {"v2": "server", "v2/health/live": "live", "v2/health/ready": "ready"}
_MODEL = re.compile(r"v2/models/([^/]+)(?:/versions/([^/]+))?(?:/(ready|infer))?")


@dataclass(frozen=True)
class Place:
    """What a path asks for: server, live, ready, metadata or infer; '' where it names no model."""

    verb: str
    model: str = ""
    version: str = ""


@lru_cache(maxsize=64)
def place(route: str) -> Place:
    """Read what follows `/models/NAME/`; raise `NotFoundError` for no path of the protocol.

    >>> place("v2/models/iris/versions/3/infer")
    Place(verb='infer', model='iris', version='3')
    """
    plain = route.rstrip("/")
    if plain in _SERVER:
        return Place(_SERVER[plain])
    found = _MODEL.fullmatch(plain)
    if found is None:
        raise NotFoundError("there is no such path; openapi.json lists those that there are")
    model, version, verb = found.groups()
    return Place(verb or "metadata", model, version or "")


def speaks(route: str) -> bool:
    """Tell whether a path below `/models/NAME/` is of this protocol, if only by its first part."""
    return route.partition("/")[0] == "v2"


def server_metadata(release: str) -> dict[str, Any]:
    """Return the server's metadata: its version is the release, which sets code and model."""
    return {"name": "tidegate", "version": release, "extensions": list(EXTENSIONS)}


def model_metadata(contract: Contract, served: Served) -> dict[str, Any]:
    """Return the model's metadata; `scores` names its classes, in order."""
    inputs = [
        {"name": column.name, "datatype": datatypes(column)[0], "shape": [-1]}
        for column in contract.columns
    ]
    outputs: list[dict[str, Any]] = [
        {"name": form.name, "datatype": form.datatype, "shape": list(form.shape)}
        for form in output_forms(contract)
    ]
    if contract.task == "multiclass":
        outputs[-1]["parameters"] = {"classes": list(contract.target.classes)}
    return {
        "name": contract.model,
        "versions": [str(served.version)],
        "platform": PLATFORM,
        "inputs": inputs,
        "outputs": outputs,
    }
