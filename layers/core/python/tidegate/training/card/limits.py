"""The card's section on what the model can't know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidegate.contract import UNKNOWN, Column, Contract
from tidegate.project import Project
from tidegate.training.card.facts import MIN_SUPPORT, CardFacts, Support
from tidegate.training.card.inert import code, prose, table

MAX_NAMED = 12  # categories of one column
MAX_NOTES = 50
Block = list[str]


def limit_blocks(project: Project, facts: CardFacts) -> list[Block]:
    """Return the section: what the owner says, what requests may hold, what few rows taught."""
    blocks = [["## Limits"]]
    if project.card.limits:
        blocks.append([f"- {prose(text)}" for text in project.card.limits])
    blocks += [["### What a request may hold"], *_columns(project.contract, facts.known.seen)]
    support = [*_rare_classes(facts), *_rare_categories(facts)]
    if support:
        words = f"Fewer than {MIN_SUPPORT} training rows each; the count is in brackets."
        blocks += [["### Hardly known"], [words], support]
    if facts.notes:
        blocks += [["### Noticed in the data"], _notes(facts.notes)]
    return blocks


def _columns(contract: Contract, seen: Mapping[str, str]) -> list[Block]:
    words = "A request that holds anything else is refused, unless the table says otherwise."
    taught = "Beyond what training saw an answer is given, but rests on no experience."
    header = ("column", "type", "takes", "anything else", "training saw", "meaning")
    rows = (
        (code(c.name), c.type, _takes(c), _otherwise(c), seen.get(c.name, ""), prose(c.description))
        for c in contract.columns
    )
    return [[words, taught], table(header, rows)]


def _takes(column: Column) -> str:
    low, high = column.minimum, column.maximum
    if column.type == "category":
        words = f"{len(column.categories)} categories"
    elif column.type == "boolean":
        words = "true, false"
    elif low is not None and high is not None:
        words = f"{low:g} to {high:g}"
    elif low is not None:
        words = f"{low:g} and above"
    else:
        words = "any number" if high is None else f"up to {high:g}"
    return f"{words}, null" if column.nullable else words


def _otherwise(column: Column) -> str:
    mapped = column.type == "category" and column.unknown == "map"
    return f"counts as {code(UNKNOWN)}" if mapped else "refused"


def _rare_classes(facts: CardFacts) -> Block:
    rare = [one for one in facts.known.classes if one.train_rows < MIN_SUPPORT]
    return [f"- Classes: {_named(rare)}"] if rare else []


def _rare_categories(facts: CardFacts) -> Block:
    columns = dict.fromkeys(column for column, _ in facts.known.rare)
    return [
        f"- {code(name)}: {_named(one for column, one in facts.known.rare if column == name)}"
        for name in columns
    ]


def _named(support: Iterable[Support]) -> str:
    rarest = sorted(support, key=lambda one: one.train_rows)
    words = ", ".join(f"{code(one.name)} ({one.train_rows})" for one in rarest[:MAX_NAMED])
    more = len(rarest) - MAX_NAMED
    return f"{words} and {more} more" if more > 0 else words


def _notes(notes: tuple[str, ...]) -> Block:
    more = len(notes) - MAX_NOTES
    tail = [f"- and {more} more"] if more > 0 else []
    return [*(f"- {prose(note)}" for note in notes[:MAX_NOTES]), *tail]
