"""Two packages of one training side by side: nothing differs, or this does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes import made
from tests.fakes.packages import DATA_FILES, LINEAGE, package_bytes, package_files
from tidegate.errors import CorruptRecordError
from tidegate.package.archive import Package, build_package, open_package
from tidegate.package.inputs import digest_of_files, environment_digest, environment_to_text
from tidegate.registry.values import Input
from tidegate.scoring.session import Matrix
from tidegate.training.reproduction import (
    Answers,
    Line,
    Metric,
    compare_environments,
    compare_packages,
    recorded_files,
    request_again,
)

RECORDED = open_package(package_bytes())
VERSION = made.version(3, model="ferry-delay", lineage=replace(LINEAGE, parent=2))
INPUTS = tuple(
    Input("ferry-delay", 3, "data", n, f.checksum, f.key, f"v{n}", f.size, f.rows)
    for n, f in enumerate(DATA_FILES)
)


class Linear:
    """A model of one answer per request: `2 * wind`, and a shift of the first answer."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def run(self, features: Matrix) -> Matrix:
        answers = 2 * features[:, :1]
        answers[0] += self.shift
        return answers


def sessions(model: bytes) -> Linear:
    return Linear(0.0 if model == RECORDED.model else 0.25)


def another(**files: bytes) -> Package:
    """Return a package of other contents and another environment."""
    lines = ("python==3.12.1", "platform==linux-x86_64", "numpy==2.4.6", "extra==1")
    contents = {**package_files(), "environment.txt": environment_to_text(lines)}
    contents.update({name.replace("_", "."): data for name, data in files.items()})
    lineage = replace(LINEAGE, environment_digest=environment_digest(lines))
    metrics = {"rmse": 1.75, "mae": 1.0}
    data = build_package(contents, model="ferry-delay", lineage=lineage, metrics=metrics)
    return open_package(data)


def test_the_same_bytes_are_identical_and_nothing_differs() -> None:
    again = open_package(package_bytes(), digest="")
    found = compare_packages(
        replace(RECORDED, digest="a"), replace(again, digest="a"), open_session=sessions
    )
    assert found.identical
    assert (found.members, found.environment) == ((), ())
    assert found.metrics == (Metric("rmse", 1.5, 1.5, 0.0),)
    assert found.answers == Answers(2, 0.0, 0)


def test_what_differs_is_named_part_by_part() -> None:
    found = compare_packages(RECORDED, another(model_onnx=b"another model"), open_session=sessions)
    assert not found.identical
    assert [m.name for m in found.members] == ["model.onnx", "environment.txt", "manifest.json"]
    assert all(len(m.recorded) == len(m.now) == 64 and m.recorded != m.now for m in found.members)
    assert found.environment == (Line("python", "3.13.1", "3.12.1"), Line("extra", "", "1"))
    assert found.metrics == (Metric("mae", None, 1.0, None), Metric("rmse", 1.5, 1.75, 0.25))
    assert found.answers == Answers(2, 0.25, 0)
    assert found.model_bytes == (len(RECORDED.model), len(b"another model"))


def test_labels_that_flip_are_counted() -> None:
    contract = replace(
        RECORDED.contract,
        task="binary",
        target=replace(RECORDED.contract.target, classes=("a", "b")),
    )

    class Binary(Linear):
        def run(self, features: Matrix) -> Matrix:
            high = np.zeros_like(features[:, :1]) + np.float32([[0.45 + self.shift], [0.9]])
            return np.hstack([1 - high, high])

    one, two = (
        replace(package, contract=contract) for package in (RECORDED, another(card_md=b"x"))
    )
    found = compare_packages(
        one,
        replace(two, model=b"other"),
        open_session=lambda model: Binary(0.0 if model == one.model else 0.25),
    )
    assert (found.answers.requests, found.answers.label_flips) == (2, 1)


def test_a_model_of_other_outputs_flips_everything() -> None:
    class Wide(Linear):
        def run(self, features: Matrix) -> Matrix:
            return np.hstack([features, features])

    found = compare_packages(
        RECORDED,
        replace(another(), model=b"wide"),
        open_session=lambda model: Linear(0.0) if model == RECORDED.model else Wide(0.0),
    )
    assert found.answers == Answers(2, None, 2)


def test_a_distribution_that_stands_twice_is_shown_whole() -> None:
    found = compare_environments(["six==1", "six==2"], ["six==2"])
    assert found == (Line("six", "1, 2", "2"),)


def test_the_request_is_the_recorded_one_under_another_run() -> None:
    request = request_again(RECORDED, recorded_files(VERSION, RECORDED, INPUTS), run="again")
    assert (request.model, request.run) == ("ferry-delay", "again")
    assert [(o.key, o.version_id) for o in request.data] == [
        ("data/ferry-delay/2013-01-01.csv.gz", "v0"),
        ("data/ferry-delay/2013-02-01.csv.gz", "v1"),
    ]
    assert digest_of_files(request.data) == request.data_digest == LINEAGE.data_digest
    assert (request.params, request.seed) == (LINEAGE.params, LINEAGE.seed)
    assert request.code_digest == LINEAGE.code_digest


def test_other_inputs_than_the_data_are_passed_over() -> None:
    code = Input("ferry-delay", 3, "code", 0, LINEAGE.code_digest)
    assert len(recorded_files(VERSION, RECORDED, (*INPUTS, code))) == 2


@pytest.mark.parametrize(
    ("seed", "inputs", "expected"),
    [
        (8, INPUTS, "ferry-delay@3: its lineage is not the one of its package"),
        (7, INPUTS[1:], "2013-01-01.csv.gz of the package's data.json"),
    ],
    ids=["lineage", "a file less"],
)
def test_records_that_do_not_agree_are_not_reproduced(
    seed: int, inputs: tuple[Input, ...], expected: str
) -> None:
    version = replace(VERSION, lineage=replace(VERSION.lineage, seed=seed))
    with pytest.raises(CorruptRecordError, match=expected):
        recorded_files(version, RECORDED, inputs)
