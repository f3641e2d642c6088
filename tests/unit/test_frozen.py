"""`frozen` is the standard library's frozen dataclass: both behave alike."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any

import pytest

from tidegate.frozen import frozen


@frozen
class Ours:
    """Every kind of field."""

    a: int
    b: str = "b"
    c: dict[str, int] = field(default_factory=dict)
    d: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Theirs:
    """The same fields."""

    a: int
    b: str = "b"
    c: dict[str, int] = field(default_factory=dict)
    d: tuple[Any, ...] = ()


@frozen
class Hashed:
    """Hashable, and with a step after the start."""

    a: int
    b: int = 2

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("a")


KINDS = pytest.mark.parametrize("kind", [Ours, Theirs])


@KINDS
def test_fields_and_defaults(kind: Any) -> None:
    assert asdict(kind(1)) == {"a": 1, "b": "b", "c": {}, "d": ()}
    assert asdict(kind(1, "x", d=(2,))) == {"a": 1, "b": "x", "c": {}, "d": (2,)}
    assert [one.name for one in fields(kind)] == ["a", "b", "c", "d"]
    assert is_dataclass(kind)
    assert kind.__match_args__ == ("a", "b", "c", "d")
    assert kind(1).c is not kind(1).c


@KINDS
@pytest.mark.parametrize(
    "make",
    [
        lambda kind: kind(),
        lambda kind: kind(1, 2, 3, 4, 5),
        lambda kind: kind(1, a=2),
        lambda kind: kind(1, z=2),
        lambda kind: kind(z=2),
        lambda kind: kind(b="x"),
    ],
    ids=["missing", "too many", "twice", "unknown", "unknown for missing", "one missing"],
)
def test_wrong_arguments_are_refused(kind: Any, make: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        make(kind)


@KINDS
def test_nothing_can_be_changed(kind: Any) -> None:
    one = kind(1)
    with pytest.raises(FrozenInstanceError):
        one.a = 2
    with pytest.raises(FrozenInstanceError):
        one.new = 2
    with pytest.raises(FrozenInstanceError):
        del one.a
    assert replace(one, a=2) == kind(2)
    assert one == kind(1)


@KINDS
def test_equal_are_those_of_one_class_and_equal_fields(kind: Any) -> None:
    assert kind(1) == kind(1, "b", {}, ())
    assert kind(1) != kind(2)
    assert kind(1) != (1, "b", {}, ())
    assert Ours(1) != Theirs(1)  # type: ignore[comparison-overlap]


def test_it_shows_itself_as_the_standard_one_does() -> None:
    assert repr(Ours(1, "x")) == repr(Theirs(1, "x")).replace("Theirs", "Ours")


@KINDS
def test_copies_are_equal(kind: Any) -> None:
    one = kind(1, c={"x": 1})
    assert copy.deepcopy(one) == one == pickle.loads(pickle.dumps(one))


def test_hash_and_step_after_the_start() -> None:
    assert len({Hashed(1), Hashed(1), Hashed(1, 3)}) == 2
    with pytest.raises(TypeError):
        hash(Ours(1))  # a dict is among its fields
    with pytest.raises(ValueError, match="a"):
        Hashed(-1)
