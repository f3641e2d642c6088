"""Where each artifact lies; keys are derived here and nowhere else, never supplied by a caller."""

from __future__ import annotations

import re

from tidegate.errors import RequestError
from tidegate.settings import is_model_name

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def data_prefix(model: str) -> str:
    """Return the prefix of a model's training data."""
    return f"data/{_name(model)}/"


def data_file(model: str, file: str) -> str:
    """Return the key of one data file."""
    return f"{data_prefix(model)}{_part(file)}"


def code_prefix(model: str, digest: str) -> str:
    """Return the prefix of one state of a model's folder."""
    return f"code/{_name(model)}/{_part(digest)}/"


def code_archive(model: str, digest: str) -> str:
    """Return the key of the zipped folder."""
    return f"{code_prefix(model, digest)}code.zip"


def project_file(model: str, digest: str) -> str:
    """Return the key of the folder's declaration as JSON."""
    return f"{code_prefix(model, digest)}project.json"


def run_prefix(model: str, run: str) -> str:
    """Return the prefix of everything one training run reads and writes."""
    return f"runs/{_name(model)}/{_part(run)}/"


def run_request(model: str, run: str) -> str:
    """Return the key of a training job's request."""
    return f"{run_prefix(model, run)}request/request.json"


def run_data_manifest(model: str, run: str) -> str:
    """Return the key of the list of data files, in SageMaker's form."""
    return f"{run_prefix(model, run)}data.manifest"


def run_output_prefix(model: str, run: str) -> str:
    """Return the prefix under which the job's output lands."""
    return f"{run_prefix(model, run)}output/"


def job_output(model: str, run: str, job: str) -> str:
    """Return the key under which SageMaker leaves what a training job made."""
    return f"{run_output_prefix(model, run)}{_part(job)}/output/model.tar.gz"


def package_prefix(model: str) -> str:
    """Return the prefix of a model's packages."""
    return f"packages/{_name(model)}/"


def package_file(model: str, digest: str) -> str:
    """Return the key of a package."""
    return f"{package_prefix(model)}{_part(digest)}.zip"


def model_file(model: str, package: str, digest: str) -> str:
    """Return the key of a model that lies apart: below its package's digest, by its own.

    Below the package, so that whoever knows which packages are in use knows which models are.
    """
    return f"{package_prefix(model)}{_part(package)}/{_part(digest)}.onnx"


def holdout_file(model: str, run: str) -> str:
    """Return the key of the rows that a run kept back."""
    return f"holdouts/{_name(model)}/{_part(run)}.npz"


def gate_report(model: str, run: str) -> str:
    """Return the key of a run's evaluation."""
    return f"reports/{_name(model)}/{_part(run)}/gates.json"


def drift_report(model: str, window: str) -> str:
    """Return the key of one look of the monitor."""
    return f"reports/{_name(model)}/drift/{_part(window.replace(':', ''))}.json"


def origin_history(model: str, origin: str) -> str:
    """Return the key of the events that a promoted version had where it comes from."""
    return f"origins/{_name(model)}/{_part(origin)}/history.jsonl"


def origin_report(model: str, origin: str) -> str:
    """Return the key of the evaluation that a promoted version had where it comes from."""
    return f"origins/{_name(model)}/{_part(origin)}/gates.json"


def _name(model: str) -> str:
    if not is_model_name(model):
        raise RequestError(f"{model!r} is no model name: use a-z, 0-9 and -, at most 63 characters")
    return model


def _part(text: str) -> str:
    if _PART.fullmatch(text) is None or ".." in text:
        raise RequestError(
            f"{text!r} can't be part of a key: use letters, digits, '.', '_' and '-'"
        )
    return text
