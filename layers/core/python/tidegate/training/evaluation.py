"""Evaluation: challenger and champion on one holdout, each through its own contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tidegate.encoding.encoder import Encoder
from tidegate.encoding.target import encode_target
from tidegate.errors import DataError, InvalidRowsError, PackageError
from tidegate.package import keys
from tidegate.package.archive import Package
from tidegate.project import Gate
from tidegate.registry.values import Version
from tidegate.scoring.predictions import finite, tracked
from tidegate.scoring.session import Matrix, Session
from tidegate.stats.metrics import evaluate as metrics_of
from tidegate.training.gate_report import Evaluation
from tidegate.training.gates import Rival, check_gates
from tidegate.training.house import House
from tidegate.training.table import Array, Table, table_from_npz

OpenSession = Callable[[bytes], Session]
SMALLEST_SCALE = 1e-6  # a champion that always says the same has no standard deviation


@dataclass(frozen=True)
class Contest:
    """Who is compared, on what, by which gates."""

    challenger: Package
    champion: Package | None
    champion_version: int
    gates: tuple[Gate, ...]


def evaluate_run(
    model: str, *, run: str, package: str, house: House, open_session: OpenSession
) -> tuple[str, Evaluation]:
    """Evaluate a stored package on its run's holdout; store the report, return its key and it."""
    champion = house.registry.champion(model)
    contest = Contest(
        challenger=house.catalog.whole_package(model, package),
        champion=_whole(champion, house) if champion else None,
        champion_version=champion.number if champion else 0,
        gates=house.catalog.project(model).gates,
    )
    holdout = house.artifacts.get(keys.holdout_file(model, run))
    found = evaluate(contest, run=run, holdout=holdout, open_session=open_session)
    key = keys.gate_report(model, run)
    house.artifacts.put(key, found.to_json(), overwrite=True)
    return key, found


def evaluate(
    contest: Contest, *, run: str, holdout: bytes, open_session: OpenSession
) -> Evaluation:
    """Return metrics, gate results and shift of a contest on the rows of `holdout.npz`."""
    challenger = contest.challenger
    table = table_from_npz(holdout, challenger.contract)
    truth, scores = _answer(challenger, table, open_session)
    metrics = _metrics(challenger, truth, scores)
    rival, shift = Rival(), None
    if contest.champion is not None:
        rival, shift = _rival(contest, holdout, scores, open_session)
    return Evaluation(
        model=challenger.contract.model,
        run=run,
        package=challenger.digest,
        rows=table.rows,
        metrics=metrics,
        champion=rival.version,
        champion_metrics=dict(rival.metrics) if rival.metrics is not None else None,
        gates=check_gates(contest.gates, metrics, rival),
        holdout_shift=shift,
        problem=rival.problem,
    )


def score_shift(challenger: Array, champion: Array) -> float:
    """Return the Wasserstein distance of two score samples of one length, in the champion's std.

    Both `(rows,)`. In one dimension it is the mean distance of the sorted values.
    Source: Ramdas et al. 2017, arXiv:1509.02237, eq. (8).

    >>> score_shift(np.array([1.0, 3.0]), np.array([2.0, 0.0]))
    1.0
    """
    scale = max(float(champion.std()), SMALLEST_SCALE)
    return float(np.abs(np.sort(challenger) - np.sort(champion)).mean()) / scale


def _whole(version: Version, house: House) -> Package:
    return house.catalog.whole_package(version.model, version.package_digest)


def _answer(package: Package, table: Table, open_session: OpenSession) -> tuple[Array, Matrix]:
    contract = package.contract
    truth = encode_target(contract, table.target)
    return truth, open_session(package.model).run(Encoder(contract).arrays(table.columns))


def _metrics(package: Package, truth: Array, scores: Matrix) -> dict[str, float]:
    """Return the metrics; none at all when an answer is not finite, so every gate fails."""
    if not finite(scores).all():
        return {}
    contract = package.contract
    return metrics_of(contract.task, truth, scores, threshold=contract.threshold)


def _rival(
    contest: Contest, holdout: bytes, scores: Matrix, open_session: OpenSession
) -> tuple[Rival, float | None]:
    champion, version = contest.champion, contest.champion_version
    assert champion is not None  # noqa: S101 - for mypy: the caller looked
    ours, theirs = contest.challenger.contract, champion.contract
    if (ours.task, ours.target) != (theirs.task, theirs.target):
        return Rival(version, None, "its task or target differs"), None
    try:
        truth, answers = _answer(champion, table_from_npz(holdout, theirs), open_session)
    except (InvalidRowsError, DataError, PackageError) as error:
        return Rival(version, None, f"{error}"), None
    metrics = _metrics(champion, truth, answers)
    if not metrics or not finite(scores).all():
        return Rival(version, metrics, ""), None
    return Rival(version, metrics), score_shift(tracked(ours, scores), tracked(theirs, answers))
