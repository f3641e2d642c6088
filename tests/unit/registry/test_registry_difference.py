"""What two versions differ in, part by part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes import made
from tests.fakes.onnx_models import CONTRACT
from tidegate.contract import Contract
from tidegate.registry.difference import Change, Difference, Side, difference
from tidegate.registry.values import Input, Lineage

UP = {"auc": True, "log_loss": False}


def side(number: int = 1, **changes: Any) -> Side:
    return Side(made.version(number, **changes))


def lineage(**changes: Any) -> Lineage:
    return replace(made.lineage(), **changes)


def compare(old: Side, new: Side) -> Difference:
    return difference(old, new, higher_is_better=UP)


def file(key: str, letter: str, *, version: int = 1, rows: int = 3) -> Input:
    return Input("iris", version, "data", 0, made.digest(letter), key, "v1", 12, rows)


def test_two_versions_alike_differ_in_nothing() -> None:
    environment = ("python==3.13.1",)
    old = replace(side(1), environment=environment, contract=CONTRACT)
    new = replace(side(2), environment=environment, contract=CONTRACT)
    found = compare(old, new)
    assert (found.old, found.new) == (1, 2)
    assert (found.digests, found.files, found.code, found.params) == ((), (), (), ())
    assert (found.environment, found.contract) == ((), ())
    assert [metric.difference for metric in found.metrics] == [0.0, 0.0]
    assert [metric.better for metric in found.metrics] == [None, None]


def test_data_files_are_added_removed_and_changed() -> None:
    old = replace(side(), inputs=(file("a", "a"), file("b", "b"), file("c", "c", rows=5)))
    new = replace(side(2), inputs=(file("a", "a"), file("b", "d", rows=7), file("e", "e")))
    found = compare(old, new)
    assert found.rows == (11, 13)
    kinds = {one.key: (one.old is not None, one.new is not None) for one in found.files}
    assert kinds == {"b": (True, True), "c": (True, False), "e": (False, True)}
    changed = found.files[0]
    assert changed.old is not None
    assert changed.new is not None
    assert (changed.old.rows, changed.new.rows) == (3, 7)
    assert changed.new.digest == made.digest("d")


def test_inputs_that_are_no_files_are_not_counted_as_data() -> None:
    code = Input("iris", 1, "code", 0, made.digest("c"))
    assert compare(replace(side(), inputs=(code,)), side(2)).files == ()


def test_parameters_and_the_seed() -> None:
    old = side(lineage=lineage(params={"depth": 6, "gone": "x"}, seed=1))
    new = side(2, lineage=lineage(params={"depth": 7, "fresh": False}, seed=2))
    assert set(compare(old, new).params) == {
        Change("depth", 6, 7),
        Change("gone", "x", None),
        Change("fresh", None, False),
        Change("(seed)", 1, 2),
    }


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1, 1.0), ("1", 1)])
def test_equal_parameters_of_another_type_are_a_change(one: Any, other: Any) -> None:
    old, new = (side(lineage=lineage(params={"p": value})) for value in (one, other))
    assert [change.name for change in compare(old, new).params] == ["p"]


def test_code_by_digest_commit_and_cleanness() -> None:
    old = side(lineage=lineage(git_commit="abc"))
    new = side(2, lineage=lineage(git_commit="def", git_dirty=True, code_digest=made.digest("f")))
    found = compare(old, new)
    assert found.code == (
        Change("digest", made.digest("c"), made.digest("f")),
        Change("commit", "abc", "def"),
        Change("uncommitted changes", False, True),
    )
    assert found.digests == (Change("code", made.digest("c"), made.digest("f")),)


def test_the_environment_line_by_line() -> None:
    old = replace(side(), environment=("python==3.13.1", "numpy==2.4.6", "gone==1"))
    new = replace(side(2), environment=("python==3.13.1", "numpy==2.5.0", "fresh==2"))
    assert set(compare(old, new).environment or ()) == {
        Change("numpy", "2.4.6", "2.5.0"),
        Change("gone", "1", None),
        Change("fresh", None, "2"),
    }


def test_without_a_package_environment_and_contract_are_unknown() -> None:
    found = compare(replace(side(), environment=("a==1",), contract=CONTRACT), side(2))
    assert (found.environment, found.contract) == (None, None)


def contracts(changed: Contract) -> tuple[Change, ...]:
    found = compare(replace(side(), contract=CONTRACT), replace(side(2), contract=changed))
    assert found.contract is not None
    return found.contract


def test_a_contract_that_gains_and_loses_columns() -> None:
    wind, harbour = CONTRACT.columns
    fresh = replace(wind, name="rain", type="integer")
    assert set(contracts(replace(CONTRACT, columns=(fresh, harbour)))) == {
        Change("column rain", None, "integer"),
        Change("column wind", wind.type, None),
    }


def test_a_contract_whose_column_has_other_bounds_and_categories() -> None:
    wind, harbour = CONTRACT.columns
    bounded = replace(wind, maximum=99.5)
    more = replace(harbour, categories=("north", "east"))
    assert set(contracts(replace(CONTRACT, columns=(bounded, more)))) == {
        Change("column wind: maximum", 60.0, 99.5),
        Change("column harbour: category", None, "east"),
        Change("column harbour: category", "south", None),
    }


def test_a_contract_whose_columns_or_categories_changed_places() -> None:
    wind, harbour = CONTRACT.columns
    turned = replace(harbour, categories=harbour.categories[::-1])
    assert contracts(replace(CONTRACT, columns=(turned, wind))) == (
        Change("column harbour: category, order", "north, south", "south, north"),
        Change("order of columns", "wind, harbour", "harbour, wind"),
    )


def test_limits_and_target_of_a_contract() -> None:
    target = replace(CONTRACT.target, maximum=5.0)
    assert set(contracts(replace(CONTRACT, max_rows=7, target=target))) == {
        Change("max_rows", CONTRACT.max_rows, 7),
        Change("target.maximum", "", 5.0),
    }


def test_metrics_know_which_way_is_better() -> None:
    old = side(metrics={"auc": 0.8, "log_loss": 0.5, "own": 1.0, "gone": 2.0})
    new = side(2, metrics={"auc": 0.7, "log_loss": 0.4, "own": 2.0, "fresh": 3.0})
    found = {metric.name: metric for metric in compare(old, new).metrics}
    assert found["auc"].difference == pytest.approx(-0.1)
    assert {name: metric.better for name, metric in found.items()} == {
        "auc": False,
        "log_loss": True,
        "own": None,
        "gone": None,
        "fresh": None,
    }
    assert (found["gone"].new, found["fresh"].old) == (None, None)


def test_size_and_digest_of_the_package() -> None:
    found = compare(side(), side(2, package_digest=made.digest("f"), package_size=99))
    assert found.sizes == (1234, 99)
    assert found.digests == (Change("package", made.digest("a"), made.digest("f")),)
