"""The house rules of docs/architecture.md hold in every source file, and each rule can go red."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.architecture import rules
from tests.architecture.rules import CORE
from tests.architecture.sources import ROOT, Source, python_sources, tracked_files

Rule = Callable[[Source], Iterator[str]]

LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 40
PORT = "class Store(Protocol):\n" + "".join(f"    def m{n}(self): ...\n" for n in range(7))

# Each rule with a file that breaks it.
RULES = [
    (rules.long_functions, "stacks/a.py", LONG_FUNCTION),
    (rules.long_file, "stacks/a.py", "x = 1\n" * 401),
    (rules.long_handler, "functions/a/handler.py", "import os\n" + "x = 1\n" * 41),
    (rules.missing_docstrings, "stacks/a.py", '"""Doc."""\ndef visible(): pass'),
    (rules.missing_docstrings, "stacks/a.py", '"""Doc."""\nclass _A: pass\nclass B: pass'),
    (rules.missing_docstrings, "stacks/a.py", "x = 1"),
    (rules.prints, f"{CORE}a.py", "print(1)"),
    (rules.blind_excepts, f"{CORE}a.py", "try: f()\nexcept Exception: pass"),
    (rules.blind_excepts, f"{CORE}a.py", "try: f()\nexcept: pass"),
    (rules.blind_excepts, f"{CORE}a.py", "try: f()\nexcept (KeyError, BaseException): pass"),
    (rules.sdk_at_import, f"{CORE}wiring.py", "import boto3"),
    (rules.sdk_at_import, f"{CORE}release/a.py", "from botocore.exceptions import ClientError"),
    (rules.impure_logic, f"{CORE}release/a.py", "at = datetime.now(UTC)"),
    (rules.impure_logic, f"{CORE}release/a.py", "name = os.environ['X']"),
    (rules.impure_synthesis, "stacks/a.py", "import uuid"),
    (rules.impure_synthesis, "app.py", "from subprocess import run"),
    (rules.impure_synthesis, "stacks/a.py", "def f(): return os.environ['X']"),
    (rules.vague_names, "stacks/utils.py", ""),
    (rules.vague_names, "stacks/a.py", "class ReleaseManager: pass"),
    (rules.errors_outside_the_tree, f"{CORE}release/a.py", "class OddError(Exception): pass"),
    (rules.wide_ports, f"{CORE}release/a.py", PORT),
    (rules.user_land_imports, "models/a/train.py", "from tidegate.contract import Contract"),
]
NAMES = {rule.__name__: rule for rule, _, _ in RULES}


def name_of(value: object) -> str:
    return getattr(value, "__name__", "")


@pytest.mark.parametrize("rule", NAMES.values(), ids=name_of)
def test_rule_holds_everywhere(rule: Rule) -> None:
    models = [
        Source.parse(name, (ROOT / name).read_text(encoding="utf-8"))
        for name in tracked_files()
        if name.startswith("models/") and name.endswith(".py")
    ]
    everything = models if rule is rules.user_land_imports else python_sources()
    broken = [finding for source in everything for finding in rule(source)]
    assert not broken, "\n".join([f"{rule.__name__}:", *broken])


@pytest.mark.parametrize(("rule", "path", "text"), RULES, ids=name_of)
def test_rule_goes_red(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source.parse(path, text)))


def test_no_exempted_edge_is_stale() -> None:
    exempted = (*rules.EDGES, *rules.FOREIGN_CODE, *rules.TALKING, rules.BUNDLING)
    stale = [path for path in exempted if not (ROOT / path).is_file()]
    assert not stale, f"these files are gone: {stale}"
    names = {node.name for source in python_sources() for node in source.classes()}
    assert set(rules.CONTROL_FLOW) <= names


def test_sources_are_found() -> None:
    assert len(python_sources()) > 50
