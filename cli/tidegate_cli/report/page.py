"""The page: facts -> HTML of one file.

It holds no script and loads nothing; a content security policy in it forbids both, and allows its
own two style sheets by their digests alone. All text is escaped and on one line.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tidegate.clock import stamp
from tidegate.registry.values import GateResult, Version
from tidegate.training.card.inert import visible
from tidegate_cli.report import lineage_svg
from tidegate_cli.report.card_html import card_html
from tidegate_cli.report.facts import VersionFacts

TEMPLATES = Path(__file__).parent / "templates"
HEADLINES = 2


def render(facts: VersionFacts) -> str:
    """Return the report; equal facts give an equal page."""
    style = (TEMPLATES / "card.css").read_text(encoding="utf-8")
    version = facts.version
    return (
        _environment()
        .get_template("card.html.j2")
        .render(
            facts=facts,
            version=version,
            headlines=_headlines(version),
            card=card_html(facts.card),
            lineage=Markup(lineage_svg.lineage_svg(version, facts.inputs)),  # noqa: S704 - built as XML
            style=Markup(style),  # noqa: S704 - a file of this package
            policy=_policy(style, lineage_svg.STYLE),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        when=_when, number=_number, margin=_margin, pairs=_pairs, words=_words, stamp=stamp
    )
    return environment


def _shown(value: object) -> object:
    return value if isinstance(value, Markup) else visible(value)


def _policy(*styles: str) -> str:
    digests = (hashlib.sha256(style.encode()).digest() for style in styles)
    allowed = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    return f"default-src 'none'; style-src {allowed}; base-uri 'none'; form-action 'none'"


def _headlines(version: Version) -> list[tuple[str, float]]:
    names = dict.fromkeys([gate.metric for gate in version.gates] or sorted(version.metrics))
    known = [(name, version.metrics[name]) for name in names if name in version.metrics]
    return known[:HEADLINES]


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _pairs(evidence: dict[str, object]) -> str:
    return " · ".join(f"{_words(name)} {_plain(value)}" for name, value in evidence.items())


def _plain(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _margin(gate: GateResult) -> str:
    """Return by how much the gate is passed (+) or missed (-); of a regression nothing."""
    if gate.value is None or gate.rule == "max_regression":
        return ""
    over = gate.value - gate.bound
    return f"{over if gate.rule == 'minimum' else -over:+.4f}"
