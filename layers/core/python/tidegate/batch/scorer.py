"""Score rows as the endpoint does: same coders, same session, same labels and rounding.

A row that the endpoint would refuse gets its problem instead of a score; the others are scored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tidegate.batch.rows import CHUNK, Column, Rows
from tidegate.contract import Contract
from tidegate.encoding.coders import coder
from tidegate.encoding.encoder import Encoder
from tidegate.errors import InvalidRowsError, PackageError, Problem
from tidegate.scoring.predictions import finite, labels, shown
from tidegate.scoring.session import Matrix, Session

Numbers = npt.NDArray[np.intp]
NO_ANSWER = "the model has no finite answer to this row"
NAMED = 20  # problems of an object that are kept
LONGEST = 300  # characters of a row's problem


@dataclass(frozen=True)
class Scored:
    """Rows and what was answered: output columns by name, null where a row has a `problem`.

    `problems` are the first 20 of the chunk, numbered as in the object.
    """

    rows: Rows
    answers: dict[str, Column]
    problem: list[str | None]
    problems: tuple[Problem, ...]

    @property
    def bad_rows(self) -> int:
        """Number of rows without an answer."""
        return sum(text is not None for text in self.problem)


class Scorer:
    """A loaded package."""

    def __init__(self, contract: Contract, session: Session) -> None:
        """Compile the contract as the endpoint does, for chunks of this room's size."""
        self.contract, self._session = contract, session
        self._encoder = Encoder(replace(contract, max_rows=CHUNK))
        self._coders = tuple((column.name, coder(column)) for column in contract.columns)

    def score(self, rows: Rows) -> Scored:
        """Answer some rows; raise `PackageError` when the model's run fails."""
        matrix, good, problems = self._encode(rows)
        answers: dict[str, Column] = {name: [None] * len(rows) for name in columns(self.contract)}
        if len(good):
            scores = self._run(matrix)
            sound = finite(scores)
            problems += [Problem(int(row), "", NO_ANSWER) for row in good[~sound]]
            _fill(answers, good[sound], answered(self.contract, scores[sound]))
        return _scored(rows, answers, problems)

    def _run(self, matrix: Matrix) -> Matrix:
        scores = self._session.run(matrix)
        if scores.shape != (len(matrix), self.contract.outputs):
            raise PackageError(f"the model's answer has shape {scores.shape}")
        return scores

    def _encode(self, rows: Rows) -> tuple[Matrix, Numbers, list[Problem]]:
        """Return the matrix of the good rows, their numbers, and what is wrong with the others."""
        problems = [Problem(row, "", why) for row, why in rows.unread.items()]
        if not problems:
            try:
                return self._encoder.columns(rows.features), np.arange(len(rows)), []
            except InvalidRowsError:  # it names 20 rows and encodes none
                pass
        codes = [[code.one(value) for value in rows.features[name]] for name, code in self._coders]
        problems += [
            Problem(row, name, rule)
            for (name, _), column in zip(self._coders, codes, strict=True)
            for row, rule in enumerate(column)
            if isinstance(rule, str) and row not in rows.unread
        ]
        good = np.setdiff1d(np.arange(len(rows)), [problem.row for problem in problems])
        picked = [[column[row] for row in good.tolist()] for column in codes]
        return np.array(picked, dtype=np.float32).T.copy(), good, problems


def columns(contract: Contract) -> dict[str, str]:
    """Return the output columns of a task, and the type of each in a Parquet file.

    >>> from tidegate.contract import Target
    >>> columns(Contract("m", "regression", (), Target("price")))
    {'value': 'DOUBLE'}
    """
    if contract.task == "regression":
        return {"value": "DOUBLE"}
    if contract.task == "binary":
        return {"label": "VARCHAR", "score": "DOUBLE"}
    scores = {f"score_{name}": "DOUBLE" for name in contract.target.classes}
    return {"label": "VARCHAR", **scores}


def answered(contract: Contract, scores: Matrix) -> list[Column]:
    """Return the values of `columns`, for finite scores (rows, outputs)."""
    told = [list(column) for column in shown(contract, scores).T.tolist()]
    return told if contract.task == "regression" else [list(labels(contract, scores)), *told]


def _fill(answers: dict[str, Column], rows: Numbers, found: list[Column]) -> None:
    places = rows.tolist()
    for values, some in zip(answers.values(), found, strict=True):
        for place, value in zip(places, some, strict=True):
            values[place] = value


def _scored(rows: Rows, answers: dict[str, Column], problems: list[Problem]) -> Scored:
    texts: list[str | None] = [None] * len(rows)
    ordered = sorted(problems, key=lambda problem: problem.row)
    for problem in ordered:
        rule = f"{problem.column} {problem.rule}".strip()
        before = texts[problem.row]
        text = rule if before is None else f"{before}; {rule}"
        texts[problem.row] = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    first = tuple(Problem(rows.first + p.row, p.column, p.rule) for p in ordered[:NAMED])
    return Scored(rows, answers, texts, first)
