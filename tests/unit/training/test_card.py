"""The card tells the facts: use, data, metrics, slices, limits, lineage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.training_house import project_of
from tests.fakes.training_samples import prepare
from tidegate.contract import Column, Task
from tidegate.encoding.target import encode_target
from tidegate.package.manifest import Golden
from tidegate.project import Card, Gate, Holdout, Project
from tidegate.registry.values import Lineage
from tidegate.stats.intervals import wilson
from tidegate.stats.metrics import evaluate
from tidegate.training.card.document import make_card
from tidegate.training.card.facts import CardFacts, Rows, know
from tidegate.training.report import Parity

LINEAGE = Lineage("d" * 64, "c" * 64, "e" * 64, {"rate": 0.1, "fast": True}, seed=7)
GATES: dict[Task, str] = {"binary": "auc", "multiclass": "accuracy", "regression": "rmse"}
PARITY = Parity(900, 2e-7, 0, 1, 1e-4)


def scene(task: Task = "binary", *, time: bool = False) -> tuple[Project, CardFacts]:
    """Return a project and what a training of it learnt; the model guesses."""
    made = prepare(task, rows=1200, time=time)
    gates = (Gate(GATES[task], minimum=0.0), Gate(GATES[task], max_regression=0.1))
    project = replace(project_of(made.contract), gates=gates)
    truth = encode_target(made.contract, made.table.target)
    holdout = np.arange(1200) >= 900
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(max(2, made.contract.outputs)), 300)
    scores = rng.normal(100, 20, (300, 1)) if task == "regression" else shares
    rows = Rows(made.matrix, truth, made.table.time, holdout)
    facts = CardFacts(
        estimator="Pipeline",
        way="onnx",
        train_rows=900,
        holdout_rows=300,
        metrics=evaluate(task, truth[holdout], scores),
        parity=PARITY,
        notes=("3 row(s) are exact copies of an earlier one",),
        files=6,
        known=know(rows, made.contract, scores=scores.astype(np.float32), gates=gates),
    )
    return project, facts


def card_of(project: Project, facts: CardFacts, lineage: Lineage = LINEAGE) -> str:
    return make_card(project, facts, lineage=lineage, golden=Golden(({}, {}), ()))


def section(card: str, heading: str) -> str:
    return card.split(f"{heading}\n")[1].split("\n## ", maxsplit=1)[0]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_task_has_a_card_with_its_metrics_and_slices(task: Task) -> None:
    project, facts = scene(task)
    card = card_of(project, facts)
    for name, value in facts.metrics.items():
        assert f"| {name} | {value:.6g} |" in section(card, "## On the holdout")
    slices = section(card, "## Slices of the holdout")
    worst = facts.known.slices.found[0]
    name = GATES[task]
    difference = worst.metrics[name] - facts.metrics[name]
    assert f"Worst {name} first." in slices
    rows = [line for line in slices.splitlines() if line.startswith("| `")]
    shown = f"{worst.metrics[name]:.4f} | {difference:+.4f} |"
    assert rows[0] == f"| `{worst.column}` | `{worst.value}` | {worst.rows} | {shown}"
    assert len(rows) == len(facts.known.slices.found)


def test_equal_facts_give_an_equal_card() -> None:
    assert card_of(*scene(time=True)) == card_of(*scene(time=True))


def test_the_card_does_not_depend_on_the_order_of_what_has_none() -> None:
    project, facts = scene()
    turned = dict(reversed(list(facts.metrics.items())))
    params = dict(reversed(list(LINEAGE.params.items())))
    other = card_of(project, replace(facts, metrics=turned), replace(LINEAGE, params=params))
    assert other == card_of(project, facts)


def test_run_job_and_champion_do_not_appear() -> None:
    later = replace(LINEAGE, training_job="job-9", parent=9)
    assert card_of(*scene(), lineage=later) == card_of(*scene())


def test_the_use_is_told_as_the_owner_says_it() -> None:
    project, facts = scene()
    said = Card("Staff the ferries.", ("Fares", "Refunds"), ("Strikes are not in the data.",))
    card = card_of(replace(project, card=said), facts)
    use = section(card, "## Intended use")
    assert use == "\nStaff the ferries.\n\nIt was not made for:\n\n- Fares\n- Refunds\n"
    assert "- Strikes are not in the data.\n" in section(card, "## Limits")
    assert "## Intended use" not in card_of(project, facts)


def test_data_are_told_with_rows_days_and_support_of_each_class() -> None:
    project, facts = scene(time=True)
    project = replace(project, holdout=Holdout("latest", days=6))
    data = section(card_of(project, facts), "## Data")
    assert "| training | 900 | 2013-01-01 to 2013-01-19 | seen by the model |" in data
    assert "| holdout | 300 | 2013-01-19 to 2013-01-25 | kept back: the latest 6 days |" in data
    no, yes = facts.known.classes
    assert f"| `no` | {no.train_rows} | {no.holdout_rows} |" in data
    assert (no.train_rows + yes.train_rows, no.holdout_rows + yes.holdout_rows) == (900, 300)


def test_data_without_a_time_column_have_no_days() -> None:
    card = card_of(*scene("regression"))
    assert "| training | 900 | no time column |" in card
    assert "| class |" not in card


def test_a_share_of_rows_has_its_interval() -> None:
    project, facts = scene()
    hits = round(facts.metrics["accuracy"] * 300)
    low, high = wilson(hits, 300)
    holdout = section(card_of(project, facts), "## On the holdout")
    assert f"| higher | {low:.4f} to {high:.4f} |" in holdout
    assert "Wilson" in holdout
    assert "Wilson" not in card_of(*scene("regression"))


def test_parity_is_told() -> None:
    project, facts = scene()
    assert "at most 2e-07 from the native one on 900 rows; 1 label(s) differ." in card_of(
        project, facts
    )
    own = replace(facts, parity=Parity(0, 0.0, 0, 0, 0.0))
    assert "given as ONNX, so there is no native one" in card_of(project, own)


def test_limits_tell_what_a_request_may_hold_and_what_training_saw() -> None:
    limits = section(card_of(*scene()), "## Limits")
    assert "| `hour` | integer | 0 to 23 | refused | 0 to 23 |" in limits
    assert "| `holiday` | boolean | true, false | refused | true and false |" in limits
    assert "| `carrier` | category | 26 categories, null | refused | 26 of 26 |" in limits
    assert "| `origin` | category | 3 categories | counts as `(unknown)` | 3 of 3 |" in limits
    assert "- 3 row(s) are exact copies of an earlier one" in limits


def test_what_few_rows_taught_is_named_the_rarest_first() -> None:
    project, facts = scene()
    rare = [one for column, one in facts.known.rare if column == "carrier"]
    assert rare
    least = min(rare, key=lambda one: one.train_rows)
    known = section(card_of(project, facts), "### Hardly known")
    assert f"- `carrier`: `{least.name}` ({least.train_rows})" in known
    assert "origin" not in known


def test_personal_data_are_neither_cut_nor_told() -> None:
    made = prepare("binary", rows=400)
    personal = replace(made.contract.columns[0], pii=True)
    contract = replace(made.contract, columns=(personal, *made.contract.columns[1:]))
    held = np.arange(400) >= 200
    truth = encode_target(contract, made.table.target)
    scores = np.tile([0.5, 0.5], (200, 1)).astype(np.float32)
    rows = Rows(made.matrix, truth, None, held)
    known = know(rows, contract, scores=scores, gates=(Gate("log_loss", maximum=1.0),))
    assert "wind" not in known.seen
    assert "wind" in known.slices.left_out
    assert "wind" not in {one.column for one in known.slices.found}


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column("x", "float", minimum=-1.5), "-1.5 and above"),
        (Column("x", "float", maximum=3, nullable=True), "up to 3, null"),
        (Column("x", "integer"), "any number"),
    ],
)
def test_open_ranges_are_told(column: Column, words: str) -> None:
    project, facts = scene()
    contract = replace(project.contract, columns=(column,))
    card = card_of(replace(project, contract=contract), facts)
    assert f"| `x` | {column.type} | {words} | refused |" in card


def test_lineage_and_parameters_are_told() -> None:
    lineage = replace(LINEAGE, git_commit="abc", git_dirty=True, image="python:3.13")
    made = section(card_of(*scene(), lineage=lineage), "## Made from")
    assert f"| data | `{'d' * 64}` | 6 file(s) |" in made
    assert "| commit `abc` with uncommitted changes |" in made
    assert "Seed 7, in the image `python:3.13`." in made
    assert "| `fast` | `True` |\n| `rate` | `0.1` |" in made
