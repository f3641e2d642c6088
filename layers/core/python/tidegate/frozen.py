"""`frozen`: an immutable dataclass that costs a cold start a tenth of `dataclass(frozen=True)`.

The standard decorator writes six methods as text for every class and compiles them at every
import: more than half of what the predict path's own modules took. Here the methods are shared;
`fields`, `replace`, `asdict` and `is_dataclass` work as always. An instance takes half as long
again to make: classes of which every request makes one stay with the standard decorator, or are
named tuples.

`made` is a named tuple from all of its values, without the function in Python that each such class
has: half a microsecond less, and two where the caches are cold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")
# Nobody counts the values, and no default fills them up.
made: Callable[[type[T], tuple[Any, ...]], T] = tuple.__new__  # type: ignore[assignment]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[T]) -> type[T]:
    """Make a class of annotated fields a frozen dataclass.

    >>> @frozen
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1, y=0) == Point(1), len({Point(1), Point(1)})
    (Point(x=1, y=0), True, 1)
    """
    done: Any = dataclass(init=False, repr=False, eq=False)(kind)
    done.__init__ = _init_of(fields(done))
    for method in (_repr, _eq, _hash, _setattr, _delattr):
        setattr(done, f"_{method.__name__}__", method)
    return kind


def _init_of(own: tuple[Field[Any], ...]) -> Callable[..., None]:
    names = tuple(one.name for one in own)
    known = dict.fromkeys(names).keys()
    defaults = {one.name: one.default for one in own if one.default is not MISSING}
    factories = {one.name: f for one in own if (f := one.default_factory) is not MISSING}

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, N807
        values = self.__dict__
        values.update(defaults)
        values.update(zip(names, args, strict=False))
        values.update(kwargs)
        for name, make in factories.items():
            if name not in values:
                values[name] = make()
        twice = kwargs.keys() & names[: len(args)] if args and kwargs else ()
        if twice or len(args) > len(names) or values.keys() != known:
            raise TypeError(_complaint(type(self), names, args, kwargs))
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    return __init__


def _complaint(
    kind: type, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> str:
    extra = [name for name in kwargs if name not in names[len(args) :]]
    given = f"{len(args)} in order and {sorted(kwargs)} by name"
    return (
        f"{kind.__name__} takes {', '.join(names)}; it got {given}, {extra or 'some'} of it wrong"
    )


def _values(one: Any) -> Iterator[Any]:  # noqa: ANN401 - an instance of any frozen class
    return (getattr(one, name) for name in one.__dataclass_fields__)


def _repr(self: Any) -> str:  # noqa: ANN401
    shown = (f"{name}={getattr(self, name)!r}" for name in self.__dataclass_fields__)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(self: Any, other: object) -> object:  # noqa: ANN401
    if type(self) is not type(other):
        return NotImplemented
    return tuple(_values(self)) == tuple(_values(other))


def _hash(self: Any) -> int:  # noqa: ANN401
    return hash(tuple(_values(self)))


def _setattr(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")
