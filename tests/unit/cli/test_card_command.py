"""`tidegate card`: one page without scripts; facts for machines; hostile text stays text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from tests.fakes import made
from tests.fakes.cloud import FakeCloud
from tests.fakes.hostile import HOSTILE, parsed
from tests.fakes.packages import package_bytes
from tests.fakes.signer import FakeSigner
from tidegate.package import keys
from tidegate.registry.values import (
    Event,
    GateResult,
    Input,
    Origin,
    Reign,
    Release,
    Signature,
    Verdict,
    Version,
)
from tidegate_cli import invocation
from tidegate_cli.commands import card as command
from tidegate_cli.main import app
from tidegate_cli.report.facts import Term, VersionFacts, gather
from tidegate_cli.report.page import render

CARD = "# iris\n\nA flower.\n\n## Data\n\n| a | b |\n| --- | ---: |\n| `x` | 3 |\n"
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "article"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "dl", "dt", "dd", "div", "span"),
    *("nav", "a", "table", "thead", "tbody", "tr", "th", "td", "small", "code", "pre", "time"),
    *("figure", "svg", "g", "rect", "path", "text", "blockquote", "hr", "em", "strong", "br"),
}


@dataclass
class CardCloud(FakeCloud):
    """A cloud with one package in its bucket."""

    def add(self, card: str = CARD, *, stored: bool = True) -> int:
        package = package_bytes(card_md=card.encode())
        digest = hashlib.sha256(package).hexdigest()
        draft = replace(made.draft(), package_digest=digest, package_size=len(package))
        if stored:
            self.artifacts.put(keys.package_file("iris", digest), package, overwrite=True)
        version = self.registry.register(
            "iris", draft, FakeSigner(), at=made.START, actor="ann", request_id=digest
        )
        return version.number

    def release(self, number: int, *, at: int) -> None:
        begun = self.registry.begin_release(
            made.release(f"r-{at}", number), lease=timedelta(hours=1), at=made.later(at)
        )
        verdict = Verdict(10, "advance", ("scores agree",), {"rows": 400.0}, made.later(at))
        ended = replace(
            begun, state="promoted", weight=100, function_version="2", verdicts=(verdict,)
        )
        self.registry.finish_release(ended, at=made.later(at + 10))


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CardCloud:
    made_here = CardCloud(tmp_path)
    monkeypatch.setattr(invocation, "find_root", lambda: tmp_path)
    monkeypatch.setattr(invocation, "connect", lambda *_: made_here)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEGATE_ENV", raising=False)
    return made_here


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def page_of(cloud: CardCloud, number: int) -> str:
    result = call("card", f"iris@{number}")
    assert result.exit_code == 0, result.output
    return (cloud.root / f"iris-{number}.html").read_text(encoding="utf-8")


# -- the command


def test_a_page_is_written_beside_its_caller_and_again_the_same(cloud: CardCloud) -> None:
    number = cloud.add()
    first = page_of(cloud, number)
    assert page_of(cloud, number) == first
    assert [file.name for file in cloud.root.iterdir()] == [f"iris-{number}.html"]


def test_the_page_goes_where_it_is_told_to(cloud: CardCloud) -> None:
    number = cloud.add()
    result = call("card", "iris", str(number), "--out", "page.html")
    assert result.exit_code == 0
    assert "page.html" in result.stdout
    assert (cloud.root / "page.html").read_text().startswith("<!doctype html>")


def test_a_place_that_takes_no_file_is_named(cloud: CardCloud) -> None:
    number = cloud.add()
    result = call("card", f"iris@{number}", "--out", "nowhere/page.html")
    assert result.exit_code == 3
    assert "nowhere/page.html: can't be written: No such file" in result.stderr


def test_the_card_of_the_package_is_printed(cloud: CardCloud) -> None:
    number = cloud.add()
    result = call("card", f"iris@{number}", "--markdown")
    assert result.stdout == CARD
    assert list(cloud.root.iterdir()) == []


def test_machines_get_the_facts(cloud: CardCloud) -> None:
    number = cloud.add()
    cloud.release(number, at=0)
    facts = json.loads(call("card", f"iris@{number}", "--json").stdout)
    assert facts["file"] is None
    assert facts["card"] == CARD
    assert facts["version"]["status"] == "champion"
    assert facts["signature"]["version"] == number
    assert facts["inputs"][0]["kind"] == "data"
    assert facts["terms"][0]["until"] is None
    assert list(cloud.root.iterdir()) == []


def test_the_page_is_shown_when_asked(cloud: CardCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(command.typer, "launch", shown.append)
    number = cloud.add()
    assert call("card", f"iris@{number}", "--open").exit_code == 0
    assert shown == [f"iris-{number}.html"]


def test_a_version_that_does_not_exist_is_named(cloud: CardCloud) -> None:
    result = call("card", "iris@9")
    assert result.exit_code == 4
    assert "no version 9" in result.stderr
    assert list(cloud.root.iterdir()) == []


def test_a_version_whose_package_is_gone_still_has_a_page(cloud: CardCloud) -> None:
    number = cloud.add(stored=False)
    assert "The package is no longer stored" in page_of(cloud, number)
    result = call("card", f"iris@{number}", "--markdown")
    assert result.exit_code == 4
    assert "no longer stored" in result.stderr


def test_a_changed_package_is_refused(cloud: CardCloud) -> None:
    number = cloud.add()
    digest = cloud.registry.version("iris", number).package_digest
    other = package_bytes(card_md=b"# Another\n")
    cloud.artifacts.put(keys.package_file("iris", digest), other, overwrite=True)
    result = call("card", f"iris@{number}")
    assert result.exit_code == 1
    assert list(cloud.root.iterdir()) == []


# -- its facts


def test_history_is_of_this_version_alone_and_a_reign_ends_where_the_next_begins(
    cloud: CardCloud,
) -> None:
    first, second = cloud.add(), cloud.add(CARD + "\nMore.\n")
    cloud.release(first, at=0)
    cloud.release(second, at=100)
    cloud.release(first, at=200)
    facts = gather(cloud.catalog, "iris", first)
    assert [one.id for one in facts.releases] == ["r-200", "r-0"]
    times = [(term.reign.since, term.until) for term in facts.terms]
    assert times == [(made.later(210), None), (made.later(10), made.later(110))]
    subjects = {event.subject for event in facts.events}
    assert subjects == {f"version:{first}", "release:r-0", "release:r-200"}
    sequences = [event.sequence for event in facts.events]
    assert sequences == sorted(sequences, reverse=True)
    other = gather(cloud.catalog, "iris", second)
    assert [(t.reign.since, t.until) for t in other.terms] == [(made.later(110), made.later(210))]


# -- the page


def facts_of(text: str, card: str = CARD) -> VersionFacts:
    gates = (
        GateResult(text, "minimum", 0.8, 0.7, 0.75, True, text),
        GateResult(text, "max_regression", None, 0.1, None, False, text),
    )
    version = Version(
        model=text,
        number=3,
        status="champion",
        package_digest="a" * 64,
        package_size=5,
        contract_digest="b" * 64,
        created=made.START,
        created_by=text,
        run=text,
        lineage=replace(made.lineage(1), params={text: text}, git_commit=text, image=text),
        metrics={text: 0.8},
        gates=gates,
        report_digest=text,
        origin=Origin(text, text, text, 7, "", made.START, "", "", "", "", "", ""),
    )
    verdict = Verdict(10, "hold", (text, text), {text: 1.0}, made.START)
    release = Release(
        model=text,
        id=text,
        version=3,
        state="rolled_back",
        started=made.START,
        actor=text,
        reason=text,
        verdicts=(verdict,),
        finished=made.START,
        outcome=text,
    )
    reign = Reign(text, 4, 3, text, text, made.START, text, text)
    event = Event(text, 4, text, made.START, text, text, text, {text: text})
    return VersionFacts(
        version=version,
        signature=Signature(text, 3, text, text, text),
        inputs=(Input(text, 3, "data", 0, text, text, text, 1, 1),),
        releases=(release,),
        terms=(Term(reign, None), Term(reign, made.START)),
        events=(event,),
        card=card,
    )


BENIGN = parsed(render(facts_of("word"))).tags


def test_gates_verdicts_reigns_and_events_are_on_the_page(cloud: CardCloud) -> None:
    number = cloud.add()
    cloud.release(number, at=0)
    text = re.sub(r"\s+", " ", parsed(page_of(cloud, number)).text)
    for words in (
        *(f"iris@{number}", "champion", "A flower.", "auc minimum", "0.8000", "0.7000", "+0.1000"),
        *("auc 0.8 against 0.7", "scores agree", "rows 400", "2026-11-22 10:00:10", "serves"),
        *("VersionApproved", "ReleaseStarted", "r-0", "depth = 6"),
    ):
        assert words in text, words


def test_tables_of_the_card_are_tables_without_styles_of_their_own() -> None:
    page = render(facts_of("word"))
    assert '<td class="number">3</td>' in page
    assert "style=" not in page


def test_the_page_forbids_scripts_and_loads_and_allows_its_own_styles() -> None:
    page = render(facts_of("word"))
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    policy = policy.replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    styles = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    digests = [hashlib.sha256(style.encode()).digest() for style in styles]
    assert len(styles) == 2
    allowed = re.findall(r"'sha256-([^']*)'", policy)
    assert sorted(allowed) == sorted(base64.b64encode(one).decode() for one in digests)


@given(HOSTILE)
@settings(max_examples=100, deadline=None)
def test_hostile_text_makes_the_elements_of_a_harmless_page(text: str) -> None:
    found = parsed(render(facts_of(text))).tags
    assert found == BENIGN


@given(HOSTILE | st.text())
@settings(max_examples=100, deadline=None)
def test_a_hostile_card_makes_nothing_that_acts(card: str) -> None:
    for tag, attributes in parsed(render(facts_of("word", card))).tags:
        assert tag in TAGS, tag
        names = dict(attributes)
        assert not {"src", "style", "srcset", "action"} & set(names)
        assert not any(name.startswith("on") for name in names)
        assert (names.get("href") or "#").startswith("#")
