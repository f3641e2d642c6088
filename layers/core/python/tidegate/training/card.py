"""The model card: what a person should know of a version, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidegate.contract import Column
from tidegate.package.manifest import Golden
from tidegate.project import Project
from tidegate.registry.values import Lineage
from tidegate.training.report import Parity


@dataclass(frozen=True)
class CardFacts:
    """What a training learnt about the model that it made."""

    estimator: str
    way: str  # how it became ONNX
    train_rows: int
    holdout_rows: int
    metrics: Mapping[str, float]
    parity: Parity
    notes: tuple[str, ...]


def make_card(project: Project, facts: CardFacts, *, lineage: Lineage, golden: Golden) -> str:
    """Return the card; equal facts give equal text, so no run, date or host appears in it."""
    parts = [
        [f"# {project.name}"],
        [project.description or "No description."],
        [*_summary(project, facts), f"- Golden requests: {len(golden.records)}"],
        ["## On the holdout"],
        _table(("metric", "value"), ((k, f"{v:.6g}") for k, v in sorted(facts.metrics.items()))),
        [
            f"The exported model is at most {facts.parity.max_difference:.3g} from the native one"
            f" on {facts.parity.rows} rows; {facts.parity.label_flips} label(s) differ."
        ],
        ["## Columns"],
        _table(("column", "type", "may be", "description"), map(_column, project.contract.columns)),
        ["## Made from"],
        _origin(lineage),
    ]
    if facts.notes:
        parts += [["## Noticed in the data"], [f"- {note}" for note in facts.notes]]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _summary(project: Project, facts: CardFacts) -> list[str]:
    target = project.contract.target
    classes = f" ({', '.join(target.classes)})" if target.classes else ""
    rows = f"{facts.train_rows} to train, {facts.holdout_rows} held out"
    return [
        f"- Task: {project.contract.task}, target `{target.column}`{classes}",
        f"- Owner: {project.owner}, contact: {project.contact}",
        f"- Estimator: {facts.estimator}, exported as {facts.way}",
        f"- Rows: {rows} ({_holdout(project)})",
    ]


def _origin(lineage: Lineage) -> list[str]:
    return [
        f"- Data `{lineage.data_digest}`, {len(lineage.data_objects)} file(s)",
        f"- Code `{lineage.code_digest}`{_commit(lineage)}",
        f"- Environment `{lineage.environment_digest}`",
        f"- Parameters {dict(sorted(lineage.params.items()))}, seed {lineage.seed}",
    ]


def _holdout(project: Project) -> str:
    policy = project.holdout
    return (
        f"latest {policy.days:g} days" if policy.kind == "latest" else f"random {policy.fraction:g}"
    )


def _commit(lineage: Lineage) -> str:
    if not lineage.git_commit:
        return ""
    return f", commit `{lineage.git_commit}`" + (
        " with uncommitted changes" if lineage.git_dirty else ""
    )


def _column(column: Column) -> tuple[str, str, str, str]:
    bounds = ""
    if column.minimum is not None or column.maximum is not None:
        low = "" if column.minimum is None else f"{column.minimum:g}"
        high = "" if column.maximum is None else f"{column.maximum:g}"
        bounds = f"{low}..{high}"
    elif column.categories:
        bounds = f"{len(column.categories)} categories"
    nullable = "null" if column.nullable else ""
    return column.name, column.type, ", ".join(filter(None, (bounds, nullable))), column.description


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [header, tuple("---" for _ in header), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    ]
