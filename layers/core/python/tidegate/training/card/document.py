"""The document: use -> data -> holdout -> slices -> limits -> lineage.

Equal facts give equal text, for it lies in a package that is built reproducibly: no run, host or
date of a run appears in it. Gates and history are known later; the report tells them.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.package.manifest import Golden
from tidegate.project import Project
from tidegate.registry.lineage import Lineage
from tidegate.stats.intervals import wilson
from tidegate.stats.metrics import METRICS
from tidegate.training.card.facts import CardFacts, Days
from tidegate.training.card.inert import code, prose, table
from tidegate.training.card.limits import Block, limit_blocks
from tidegate.training.report import Parity
from tidegate.training.slices import MIN_SLICE, Slice, Slices


def make_card(project: Project, facts: CardFacts, *, lineage: Lineage, golden: Golden) -> str:
    """Return the card in Markdown; text of users in it is inert."""
    blocks = [
        [f"# {prose(project.name)}"],
        [prose(project.description) or "No description."],
        _summary(project, facts, golden),
        *_use(project),
        *_data(project, facts),
        *_holdout(facts),
        *_slices(facts),
        *limit_blocks(project, facts),
        *_origin(lineage, facts.files),
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _summary(project: Project, facts: CardFacts, golden: Golden) -> Block:
    contract = project.contract
    positive = contract.target.classes[-1:] if contract.task == "binary" else ()
    threshold = f", {code(positive[0])} from {contract.threshold:g} on" if positive else ""
    return [
        f"- Task: {contract.task}, target {code(contract.target.column)}{threshold}",
        f"- Owner: {prose(project.owner)}, contact: {code(project.contact)}",
        f"- Estimator: {code(facts.estimator)}, exported as {prose(facts.way)}",
        f"- Golden requests: {len(golden.records)}",
    ]


def _use(project: Project) -> list[Block]:
    card = project.card
    blocks = [[prose(card.purpose)]] if card.purpose else []
    if card.not_for:
        blocks += [["It was not made for:"], [f"- {prose(text)}" for text in card.not_for]]
    return [["## Intended use"], *blocks] if blocks else []


def _data(project: Project, facts: CardFacts) -> list[Block]:
    policy, known = project.holdout, facts.known
    latest = f"the latest {policy.days:g} days"
    rule = latest if policy.kind == "latest" else f"drawn at random, {policy.fraction:g} of all"
    rows = (
        ("training", f"{facts.train_rows:,}", _period(known.train_days), "seen by the model"),
        ("holdout", f"{facts.holdout_rows:,}", _period(known.holdout_days), f"kept back: {rule}"),
    )
    blocks = [["## Data"], table(("part", "rows", "period", "note"), rows, numbers=("rows",))]
    if known.classes:
        header = ("class", "training rows", "holdout rows")
        lines = (
            (code(one.name), f"{one.train_rows:,}", f"{one.holdout_rows:,}")
            for one in known.classes
        )
        blocks.append(table(header, lines, numbers=header[1:]))
    return blocks


def _period(days: Days | None) -> str:
    return "no time column" if days is None else " to ".join(dict.fromkeys(days))


def _holdout(facts: CardFacts) -> list[Block]:
    header = ("metric", "value", "better", "95 % interval")
    rows = (
        (name, f"{value:.6g}", _better(name), _interval(name, value, facts.holdout_rows))
        for name, value in sorted(facts.metrics.items())
    )
    note = "An interval is Wilson's, of a share of rows that are taken to be independent."
    return [
        ["## On the holdout"],
        table(header, rows, numbers=("value",)),
        *([[note]] if "accuracy" in facts.metrics else []),
        [_parity(facts.parity)],
    ]


def _better(metric: str) -> str:
    return "higher" if METRICS[metric].higher_is_better else "lower"


def _interval(metric: str, value: float, rows: int) -> str:
    if metric != "accuracy":  # of these metrics the only share of rows
        return ""
    low, high = wilson(round(value * rows), rows)
    return f"{low:.4f} to {high:.4f}"


def _parity(parity: Parity) -> str:
    if not parity.rows:
        return "The model was given as ONNX, so there is no native one to compare it with."
    return (
        f"The exported model is at most {parity.max_difference:.3g} from the native one on"
        f" {parity.rows:,} rows; {parity.label_flips:,} label(s) differ."
    )


def _slices(facts: CardFacts) -> list[Block]:
    slices = facts.known.slices
    if not slices.found:
        return []
    first, *others = slices.metrics
    header = ("column", "rows where it is", "rows", first, "against all", *others)
    rows = (_slice(one, slices.metrics, facts.metrics) for one in slices.found)
    return [
        ["## Slices of the holdout"],
        [f"Worst {first} first. {_left_out(slices)}".rstrip()],
        table(header, rows, numbers=header[2:]),
    ]


def _slice(one: Slice, metrics: tuple[str, ...], whole: Mapping[str, float]) -> tuple[str, ...]:
    first, *others = (_value(one.metrics.get(name)) for name in metrics)
    value, all_rows = one.metrics.get(metrics[0]), whole.get(metrics[0])
    against = "" if value is None or all_rows is None else f"{value - all_rows:+.4f}"
    return (code(one.column), code(one.value), f"{one.rows:,}", first, against, *others)


def _value(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def _left_out(slices: Slices) -> str:
    words = []
    if slices.too_small:
        words.append(f"{slices.too_small:,} part(s) with fewer than {MIN_SLICE} rows are left out.")
    if slices.beyond:
        words.append(f"{slices.beyond:,} smaller part(s) are left out, to keep the list short.")
    if slices.left_out:
        words.append(f"Not cut by: {', '.join(map(code, slices.left_out))}.")
    return " ".join(words)


def _origin(lineage: Lineage, files: int) -> list[Block]:
    changed = " with uncommitted changes" if lineage.git_dirty else ""
    commit = f"commit {code(lineage.git_commit)}{changed}" if lineage.git_commit else ""
    digests = [
        ("data", code(lineage.data_digest), f"{files:,} file(s)"),
        ("code", code(lineage.code_digest), commit),
        ("environment", code(lineage.environment_digest), "the installed libraries"),
    ]
    params = [(code(name), code(value)) for name, value in sorted(lineage.params.items())]
    return [
        ["## Made from"],
        table(("what", "SHA-256", "note"), digests),
        [f"Seed {lineage.seed}{f', in the image {code(lineage.image)}' if lineage.image else ''}."],
        *([table(("parameter", "value"), params)] if params else []),
    ]
