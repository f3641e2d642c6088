"""The candidate: what a training made, exported, compared, measured, described and packaged."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from tidegate.package.archive import build_package, open_package
from tidegate.package.golden_codec import golden_to_json
from tidegate.package.inputs import data_to_json, environment_digest, environment_to_text
from tidegate.package.intake import check_size
from tidegate.package.manifest import CARD, CONTRACT, DATA, ENVIRONMENT, GOLDEN, MODEL, REFERENCE
from tidegate.package.reference_codec import reference_to_json
from tidegate.project import Param, Project
from tidegate.registry.lineage import Lineage
from tidegate.scoring.onnx_session import OnnxSession
from tidegate.scoring.session import Matrix, Session
from tidegate.stats.metrics import evaluate
from tidegate.training.card.document import make_card
from tidegate.training.card.facts import CardFacts, Rows, know
from tidegate.training.data_gate import Admitted
from tidegate.training.export import Exported, Sample, export
from tidegate.training.export.native import class_name
from tidegate.training.frames import feature_frame
from tidegate.training.golden import make_golden
from tidegate.training.parity import compare, refuse
from tidegate.training.reading import Reading
from tidegate.training.reference import Answered, make_reference
from tidegate.training.report import JobReport, Parity
from tidegate.training.request import TrainingRequest
from tidegate.training.table import Array, table_to_npz

PARITY_ROWS = 20_000  # of training rows; every row of the holdout is compared


@dataclass(frozen=True)
class Split:
    """Admitted rows and which of them are the holdout."""

    reading: Reading
    admitted: Admitted
    holdout: Array

    def rows(self, which: Array) -> tuple[Matrix, Array]:
        """Return matrix and target of some rows."""
        return self.admitted.matrix[which], self.admitted.target[which]


@dataclass
class Stopwatch:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    since: float = field(default_factory=perf_counter)

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = perf_counter()
        self.seconds[stage] = round(now - self.since, 3)
        self.since = now
        sys.stdout.write(f"{stage}: {self.seconds[stage]:.2f} s\n")  # the job's log
        sys.stdout.flush()


@dataclass(frozen=True)
class Candidate:
    """One training's facts on the way to a package."""

    project: Project
    request: TrainingRequest
    params: dict[str, Param]
    split: Split
    environment: tuple[str, ...]  # the lock's lines
    max_bytes: int  # of a package that holds its model

    def make(self, model: object, clock: Stopwatch) -> tuple[dict[str, bytes], JobReport]:
        """Return the job's files and its report."""
        contract, split = self.project.contract, self.split
        exported = self._export(model)
        check_size(exported.model)
        session = OnnxSession(exported.model)
        clock.lap("export")
        parity = self._parity(exported, session)
        clock.lap("parity")
        matrix, truth = split.rows(split.holdout)
        scores = session.run(matrix)
        metrics = evaluate(contract.task, truth, scores, threshold=contract.threshold)
        facts = self._facts(model, exported, parity, metrics, scores)
        package = self._package(exported, session, scores, facts)
        holdout = table_to_npz(split.reading.table.take(split.holdout), contract)
        clock.lap("describe")
        report = JobReport(
            train_rows=facts.train_rows,
            holdout_rows=facts.holdout_rows,
            parity=parity,
            metrics=metrics,
            seconds=clock.seconds,
            notes=facts.notes,
        )
        files = {"package.zip": package, "holdout.npz": holdout}
        if open_package(package).pointer:
            files[MODEL] = exported.model
        return files, report

    def _facts(
        self,
        model: object,
        exported: Exported,
        parity: Parity,
        metrics: dict[str, float],
        scores: Matrix,
    ) -> CardFacts:
        split, project = self.split, self.project
        time = split.reading.table.time
        rows = Rows(split.admitted.matrix, split.admitted.target, time, split.holdout)
        return CardFacts(
            estimator=class_name(model),
            way=exported.way,
            train_rows=int((~self.split.holdout).sum()),
            holdout_rows=int(self.split.holdout.sum()),
            metrics=metrics,
            parity=parity,
            notes=self.split.admitted.notes,
            files=len(self.request.data),
            known=know(rows, project.contract, scores=scores, gates=project.gates),
        )

    def _export(self, model: object) -> Exported:
        rows, _ = self.split.rows(self._sample())
        sample = Sample(feature_frame(rows, self.project.contract), rows)
        return export(model, self.project.contract, sample=sample, open_session=OnnxSession)

    def _sample(self) -> Array:
        """Return row numbers: evenly spread training rows, and the whole holdout after them."""
        train_rows = np.flatnonzero(~self.split.holdout)
        step = max(1, len(train_rows) // PARITY_ROWS)
        return np.concatenate([train_rows[::step], np.flatnonzero(self.split.holdout)])

    def _parity(self, exported: Exported, session: Session) -> Parity:
        if exported.native is None:  # user's own ONNX: there is nothing to compare with
            return Parity(0, 0.0, 0, 0, 0.0)
        rows, _ = self.split.rows(self._sample())
        native = exported.native.scores(feature_frame(rows, self.project.contract))
        parity = compare(self.project.contract, native, session.run(rows))
        refuse(parity, class_name(exported.native.model))
        return parity

    def _lineage(self, environment_digest: str) -> Lineage:
        """Return what made the content; run, job, champion and S3 versions stay out."""
        request = self.request
        return Lineage(
            data_digest=request.data_digest,
            code_digest=request.code_digest,
            environment_digest=environment_digest,
            params=dict(self.params),
            seed=request.seed,
            git_commit=request.git_commit,
            git_dirty=request.git_dirty,
            image=request.image,
        )

    def _package(
        self, exported: Exported, session: Session, scores: Matrix, facts: CardFacts
    ) -> bytes:
        contract, split = self.project.contract, self.split
        table = split.reading.table
        held, left = table.take(split.holdout), table.take(~split.holdout)
        golden = make_golden(held.columns, contract, scores=scores, session=session)
        reference = make_reference(
            split.rows(~split.holdout)[0],
            contract,
            time=left.time,
            holdout=Answered(scores, held.time),
            metrics=facts.metrics,
        )
        lineage = self._lineage(environment_digest(self.environment))
        card = make_card(self.project, facts, lineage=lineage, golden=golden)
        files = {
            MODEL: exported.model,
            CONTRACT: contract.to_json(),
            REFERENCE: reference_to_json(reference),
            GOLDEN: golden_to_json(golden),
            ENVIRONMENT: environment_to_text(self.environment),
            DATA: data_to_json(split.reading.files),
            CARD: card.encode(),
        }
        return build_package(
            files,
            model=contract.model,
            lineage=lineage,
            metrics=facts.metrics,
            max_bytes=self.max_bytes,
        )
