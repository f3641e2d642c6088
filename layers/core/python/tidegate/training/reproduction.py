"""Reproduction: the same training once more, and what of its package is not the same.

recorded package -> request of the same training          (`request_again`)
recorded and new package, part by part, by digest          -> `Reproduction`
    environment line by line, metrics by name, answers to the golden requests by number and label

Nothing here runs a training: whoever does puts two packages side by side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tidegate.decoding import canonical_json
from tidegate.encoding.encoder import Encoder
from tidegate.errors import CorruptRecordError
from tidegate.package.archive import Package
from tidegate.package.manifest import FILES, MANIFEST
from tidegate.registry.values import DataFile, DataObject, Input, Version
from tidegate.scoring.predictions import labels
from tidegate.scoring.session import Matrix, Session
from tidegate.training.exact_files import exact_files
from tidegate.training.request import TrainingRequest

OpenSession = Callable[[bytes], Session]


@dataclass(frozen=True)
class Line:
    """One name of the environment and its value in both; empty where it is not there."""

    name: str
    recorded: str
    now: str


@dataclass(frozen=True)
class Member:
    """One file of the package that differs: its SHA-256 (hex) in both."""

    name: str
    recorded: str
    now: str


@dataclass(frozen=True)
class Metric:
    """One holdout metric in both; None where it was not measured."""

    name: str
    recorded: float | None
    now: float | None
    difference: float | None  # now - recorded


@dataclass(frozen=True)
class Answers:
    """How both models answer the recorded golden requests."""

    requests: int
    max_difference: float | None  # of any score; None: not as many scores per request
    label_flips: int


@dataclass(frozen=True)
class Reproduction:
    """What a second training of a version came to; `members` is empty when it is identical."""

    recorded: str  # digest of the package
    now: str
    members: tuple[Member, ...]
    environment: tuple[Line, ...]
    metrics: tuple[Metric, ...]
    answers: Answers
    model_bytes: tuple[int, int]  # of model.onnx, recorded and now

    @property
    def identical(self) -> bool:
        """Whether both packages are the same bytes."""
        return self.recorded == self.now


def recorded_files(version: Version, package: Package, inputs: Iterable[Input]) -> list[DataFile]:
    """Return the exact data files of a version, as its package and the registry agree on them.

    Raises `CorruptRecordError` when they don't, or when the version's lineage is not the package's.
    """
    if replace(version.lineage, training_job="", parent=0) != package.manifest.lineage:
        raise CorruptRecordError(
            f"{version.model}@{version.number}: its lineage is not the one of its package"
        )
    given = (
        DataObject(one.key, one.version_id, one.digest, one.size)
        for one in inputs
        if one.kind == "data"
    )
    return list(exact_files(package.data, given))


def request_again(package: Package, files: Iterable[DataFile], *, run: str) -> TrainingRequest:
    """Return the request of the training that made a package, under another run's name."""
    lineage = package.manifest.lineage
    return TrainingRequest(
        model=package.manifest.model,
        run=run,
        params=dict(lineage.params),
        seed=lineage.seed,
        data=tuple(DataObject(f.key, f.version_id, f.checksum, f.size) for f in files),
        data_digest=lineage.data_digest,
        code_digest=lineage.code_digest,
        identity="",
        image=lineage.image,
        git_commit=lineage.git_commit,
        git_dirty=lineage.git_dirty,
    )


def compare_environments(recorded: Iterable[str], now: Iterable[str]) -> tuple[Line, ...]:
    """Return the lines of two environments that differ, by name.

    >>> compare_environments(["python==3.13.1", "numpy==2.4.6"], ["python==3.13.1"])
    (Line(name='numpy', recorded='2.4.6', now=''),)
    """
    before, after = _by_name(recorded), _by_name(now)
    names = dict.fromkeys([*before, *after])
    pairs = ((name, before.get(name, ""), after.get(name, "")) for name in names)
    return tuple(Line(*pair) for pair in pairs if pair[1] != pair[2])


def compare_packages(recorded: Package, now: Package, *, open_session: OpenSession) -> Reproduction:
    """Put two packages of one training, with their models, side by side."""
    before, after = _digests(recorded), _digests(now)
    return Reproduction(
        recorded=recorded.digest,
        now=now.digest,
        members=tuple(
            Member(name, before[name], after[name]) for name in FILES if before[name] != after[name]
        ),
        environment=compare_environments(recorded.environment, now.environment),
        metrics=compare_metrics(recorded.manifest.metrics, now.manifest.metrics),
        answers=compare_answers(recorded, now, open_session=open_session),
        model_bytes=(len(recorded.model), len(now.model)),
    )


def compare_metrics(recorded: Mapping[str, float], now: Mapping[str, float]) -> tuple[Metric, ...]:
    """Return every metric of either side, by name.

    >>> compare_metrics({"auc": 0.5}, {"auc": 0.75, "f1": 1.0})[0]
    Metric(name='auc', recorded=0.5, now=0.75, difference=0.25)
    """
    found = []
    for name in sorted({*recorded, *now}):
        before, after = recorded.get(name), now.get(name)
        both = None if before is None or after is None else after - before
        found.append(Metric(name, before, after, both))
    return tuple(found)


def compare_answers(recorded: Package, now: Package, *, open_session: OpenSession) -> Answers:
    """Ask both models the golden requests of the recorded package; each reads its own contract."""
    before, after = (_scores(package, recorded, open_session) for package in (recorded, now))
    if before.shape != after.shape:  # other classes
        return Answers(len(before), None, len(before))
    flips = zip(labels(recorded.contract, before), labels(now.contract, after), strict=True)
    difference = float(np.abs(before - after).max(initial=0.0))
    return Answers(len(before), difference, sum(one != other for one, other in flips))


def _scores(package: Package, asked: Package, open_session: OpenSession) -> Matrix:
    matrix = Encoder(package.contract).records(list(asked.golden.records))
    return open_session(package.model).run(matrix)


def _digests(package: Package) -> dict[str, str]:
    manifest = hashlib.sha256(canonical_json(package.manifest)).hexdigest()
    return {**package.manifest.files, MANIFEST: manifest}


def _by_name(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition("==")
        # Two installations of one distribution are two lines of one name.
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
