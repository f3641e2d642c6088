"""The training job: read -> data gate -> split -> train -> export -> parity -> describe -> package.

    input/data/code      code.zip, project.json       input/data/request   request.json
    input/data/data      the files of the snapshot    model/               package.zip, holdout.npz,
    output/failure       why it failed                                     report.json

A model that is too large for the package lies beside it as model/model.onnx.

    read      every file's SHA-256 is the one of the request
    data gate contract, enough rows, no leaks                     -> DataError
    split     the holdout is cut off before user code runs
    train     user code, in its folder, with the rest             -> UserCodeError
    export    canonical ONNX                                      -> ExportError
    parity    native against exported, training rows and holdout  -> ParityError
    describe  metrics, reference, golden requests, card

Equal inputs in an equal environment give an equal package. With `--environment FILE` the job only
writes what environment.txt would hold.
"""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from tidegate.contract import Contract
from tidegate.errors import TidegateError, TrainingFailedError
from tidegate.package.archive import MAX_PACKAGE_BYTES
from tidegate.package.inputs import environment_to_text
from tidegate.project import Param, Project
from tidegate.training.candidate import Candidate, Split, Stopwatch
from tidegate.training.data_gate import admit, check_classes
from tidegate.training.determinism import seed_everything
from tidegate.training.environment import environment_lock
from tidegate.training.frames import training_frame
from tidegate.training.reading import read_files
from tidegate.training.report import JobReport
from tidegate.training.request import TrainingRequest
from tidegate.training.split import holdout_mask
from tidegate.training.user_code import train, unpack_code

FAILURE_TEXT = 1000  # SageMaker shows the first 1,024 characters


@dataclass(frozen=True)
class Folders:
    """Where SageMaker puts things under its root."""

    root: Path

    def channel(self, name: str) -> Path:
        """Return the folder of an input channel."""
        return self.root / "input" / "data" / name

    @property
    def model(self) -> Path:
        """What lies here at the end becomes model.tar.gz."""
        return self.root / "model"

    @property
    def failure(self) -> Path:
        """The file whose text becomes the job's failure reason."""
        return self.root / "output" / "failure"

    @property
    def code(self) -> Path:
        """Where user code is unpacked and works."""
        return self.root / "code"


def main(root: Path) -> int:
    """Run the job in a root; return the exit code, and leave the reason of a failure behind."""
    folders = Folders(root)
    try:
        run_job(folders)
    # The one place that turns any failure into the job's own: SageMaker shows only this file.
    except BaseException as error:  # noqa: BLE001
        folders.failure.parent.mkdir(parents=True, exist_ok=True)
        folders.failure.write_text(failure_text(error), encoding="utf-8")
        traceback.print_exc()
        return 1
    return 0


def failure_text(error: BaseException) -> str:
    """Return the reason of a failure, its beginning and its end kept when it is long."""
    text = f"{type(error).__name__}: {error}"
    if not isinstance(error, TidegateError):
        text += "\n" + "".join(traceback.format_tb(error.__traceback__)[-3:])
    if len(text) <= FAILURE_TEXT:
        return text
    half = FAILURE_TEXT // 2
    return f"{text[:half]}\n...\n{text[-half + 5 :]}"


def run_job(folders: Folders, *, max_bytes: int = MAX_PACKAGE_BYTES) -> JobReport:
    """Train, export, check and package; return the report that lies beside the package.

    A package of more than `max_bytes` leaves its model beside it.
    """
    clock = Stopwatch()
    request = TrainingRequest.from_json((folders.channel("request") / "request.json").read_bytes())
    project = Project.from_json((folders.channel("code") / "project.json").read_bytes())
    if project.name != request.model:
        raise TrainingFailedError(f"project.json is of {project.name!r}, not {request.model!r}")
    split = _read(folders, request, project)
    clock.lap("read")
    unpack_code((folders.channel("code") / "code.zip").read_bytes(), folders.code)
    params: dict[str, Param] = {**project.training.params, **request.params, "seed": request.seed}
    seed_everything(request.seed)  # before user code is even imported
    trained = train(
        folders.code,
        entry=project.training.entry,
        frame=_frame(split, project.contract),
        params=params,
    )
    clock.lap("train")
    lock = environment_lock(os.environ)
    candidate = Candidate(project, request, params, split, lock, max_bytes)
    files, report = candidate.make(trained.model, clock)
    report = replace(report, output=trained.output)
    folders.model.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folders.model / name).write_bytes(data)
    (folders.model / "report.json").write_bytes(report.to_json())
    return report


def _read(folders: Folders, request: TrainingRequest, project: Project) -> Split:
    contract = project.contract
    reading = read_files(folders.channel("data"), request.data, contract)
    admitted = admit(reading, contract)
    holdout = holdout_mask(
        reading.table, admitted.matrix, policy=project.holdout, seed=request.seed
    )
    check_classes(admitted.target[~holdout], contract, part="rows to train on")
    check_classes(admitted.target[holdout], contract, part="holdout")
    return Split(reading, admitted, holdout)


def _frame(split: Split, contract: Contract) -> pd.DataFrame:
    table = split.reading.table.take(~split.holdout)
    matrix, _ = split.rows(~split.holdout)
    return training_frame(matrix, contract, target=table.target, time=table.time)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--environment"]:
        Path(sys.argv[2]).write_bytes(environment_to_text(environment_lock(os.environ)))
        sys.exit()
    sys.exit(main(Path(os.environ.get("TIDEGATE_ML_ROOT", "/opt/ml"))))
