"""Text of users does nothing in the card, whatever it holds, and still reads as it was written."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings

from tests.fakes.hostile import CHUNKS, HOSTILE, rendered, structure
from tests.fakes.training_house import project_of
from tidegate.contract import Column, Contract, Target
from tidegate.package.manifest import Golden
from tidegate.project import Card, Project
from tidegate.registry.values import Lineage
from tidegate.training.card.document import make_card
from tidegate.training.card.facts import CardFacts, Known, Support
from tidegate.training.card.inert import LONGEST_CODE, code, prose, table, visible
from tidegate.training.report import Parity
from tidegate.training.slices import Slice, Slices


def project(text: str) -> Project:
    columns = (
        Column("n" + text, "float", minimum=0, description=text),
        Column("c" + text, "category", categories=(text, "b"), unknown="map", description=text),
    )
    contract = Contract("ferry", "binary", columns, Target(text, (text, "yes")))
    told = project_of(contract)
    card = Card(purpose=text, not_for=(text, text), limits=(text,))
    changes = {"owner": text, "contact": text, "description": text, "card": card}
    return Project(**{**vars(told), **changes})


def card_of(text: str) -> str:
    support = Support(text, 3, 1)
    found = (Slice(text, text, 40, {"auc": 0.5}),)
    slices = Slices(("auc",), found, left_out=(text,), too_small=1, beyond=1)
    known = Known(classes=(support,), rare=((text, support),), seen={"c" + text: "1 of 2"})
    facts = CardFacts(
        estimator=text,
        way=text,
        train_rows=100,
        holdout_rows=50,
        metrics={"auc": 0.7, "accuracy": 0.8},
        parity=Parity(10, 0.0, 0, 0, 0.0),
        notes=(text, text),
        known=Known(**{**vars(known), "slices": slices}),
    )
    params: dict[str, str | int | float | bool] = {text: text}
    lineage = Lineage("d" * 64, "c" * 64, "e" * 64, params, 7, text, git_dirty=True, image=text)
    return make_card(project(text), facts, lineage=lineage, golden=Golden((), ()))


HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # Unicode's categories
SHORT = HOSTILE.filter(lambda text: len(visible(text)) <= LONGEST_CODE)
BENIGN = rendered(card_of("word"))


@given(HOSTILE)
@settings(max_examples=150, deadline=None)
@example("".join(CHUNKS))
@example("a\\|b | c")
@example("`")
def test_hostile_text_renders_as_the_elements_of_a_harmless_card(text: str) -> None:
    assert structure(rendered(card_of(text))) == structure(BENIGN)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_no_chunk_alone_is_more_than_text(chunk: str) -> None:
    if visible(chunk):
        assert structure(rendered(card_of(chunk))) == structure(BENIGN)


@given(HOSTILE)
@settings(max_examples=100, deadline=None)
def test_a_card_holds_no_character_that_is_hidden_or_ends_a_line(text: str) -> None:
    card = card_of(text)
    assert {unicodedata.category(c) for c in card.replace("\n", "")}.isdisjoint(HIDDEN)
    assert len(card.splitlines()) == len(card_of("word").splitlines())
    assert card.encode()


@given(SHORT)
@settings(max_examples=150, deadline=None)
def test_prose_and_code_read_as_they_were_written(text: str) -> None:
    assert rendered(prose(text)).text.strip() == visible(text)
    assert rendered(code(text)).text.strip() == visible(text)


@given(SHORT)
@settings(max_examples=100, deadline=None)
@example("a\\|b | c")
@example("\\\\|`")
@example("![a](http://x.example/p.png)\\|")
def test_a_cell_reads_as_it_was_written(text: str) -> None:
    lines = table(("a", "b"), [(prose(text), code(text))], numbers=("b",))
    words = [word.strip() for word in rendered("\n".join(lines)).text.split("\n") if word.strip()]
    # In code the backslash before a bar is kept apart from it; prose may hold code.
    apart = visible(text).replace("\\|", "\\ |")
    assert words[:2] == ["a", "b"]
    assert words[2] in (visible(text), apart)
    assert words[3:] == [apart]


@pytest.mark.parametrize(
    "address", ["ann@x.example", "ann@host", "https://host/a", "www.host", "x.example", "ftp:/x"]
)
def test_what_a_renderer_may_take_for_an_address_is_code(address: str) -> None:
    assert prose(f"see {address} now") == f"see `{address}` now"


@pytest.mark.parametrize("text", ["Late by 1.5 hours, e.g. in May.", "Staff: 3 (or 4)?"])
def test_a_plain_sentence_stays_as_it_is(text: str) -> None:
    assert prose(text) == text


def test_long_text_is_cut() -> None:
    assert len(prose("a" * 5000)) == 1000
    assert len(code("a" * 5000)) == 122
