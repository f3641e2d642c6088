"""Difference: what two versions of a model were made from and came to, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tidegate.contract import Column, Contract
from tidegate.registry.values import Input, Version

Value = str | int | float | bool
_COLUMN_FIELDS = tuple(
    field for field in Column.__dataclass_fields__ if field not in ("name", "categories")
)


@dataclass(frozen=True)
class Side:
    """One of the two versions; environment and contract are None when its package is gone."""

    version: Version
    inputs: tuple[Input, ...] = ()
    environment: tuple[str, ...] | None = None  # lines `name==value`
    contract: Contract | None = None


@dataclass(frozen=True)
class Change:
    """One named value in both; None where it is not there."""

    name: str
    old: Value | None
    new: Value | None


@dataclass(frozen=True)
class FileState:
    """A data file as one version read it."""

    digest: str  # SHA-256 in hex
    rows: int
    size: int  # bytes


@dataclass(frozen=True)
class FileChange:
    """One key of the data in both; None where the version did not read it."""

    key: str
    old: FileState | None
    new: FileState | None


@dataclass(frozen=True)
class MetricChange:
    """One holdout metric in both; `better` is None when equal, missing or of unknown direction."""

    name: str
    old: float | None
    new: float | None
    difference: float | None  # new - old
    better: bool | None


@dataclass(frozen=True)
class Difference:
    """What differs, new against old; unchanged names are left out, except metrics.

    `digests` are those of dataset, code, environment, contract and package; `environment` and
    `contract` are None when a package is gone, so that their digests alone can be told.
    """

    model: str
    old: int
    new: int
    digests: tuple[Change, ...]
    files: tuple[FileChange, ...]
    rows: tuple[int, int]  # of all data files, old and new
    code: tuple[Change, ...]
    params: tuple[Change, ...]
    environment: tuple[Change, ...] | None
    contract: tuple[Change, ...] | None
    metrics: tuple[MetricChange, ...]
    sizes: tuple[int, int]  # of the packages, bytes


def difference(old: Side, new: Side, *, higher_is_better: Mapping[str, bool]) -> Difference:
    """Compare two versions; `higher_is_better` tells the direction of each known metric."""
    before, after = old.version, new.version
    return Difference(
        model=after.model,
        old=before.number,
        new=after.number,
        digests=_changes(_digests(before), _digests(after)),
        files=_files(old.inputs, new.inputs),
        rows=(_rows(old.inputs), _rows(new.inputs)),
        code=_changes(_code(before), _code(after)),
        params=_changes(_params(before), _params(after)),
        environment=_environment(old.environment, new.environment),
        contract=_contract(old.contract, new.contract),
        metrics=_metrics(before.metrics, after.metrics, higher_is_better),
        sizes=(before.package_size, after.package_size),
    )


def _changes(old: Mapping[str, Value], new: Mapping[str, Value]) -> tuple[Change, ...]:
    """Return names whose values differ, in the order of `new` and then of `old`."""
    pairs = ((name, old.get(name), new.get(name)) for name in dict.fromkeys((*new, *old)))
    # True equals 1 and 1 equals 1.0 in Python; to a training they are three values.
    return tuple(Change(*p) for p in pairs if (type(p[1]), p[1]) != (type(p[2]), p[2]))


def _digests(version: Version) -> dict[str, Value]:
    lineage = version.lineage
    return {
        "dataset": lineage.data_digest,
        "code": lineage.code_digest,
        "environment": lineage.environment_digest,
        "contract": version.contract_digest,
        "package": version.package_digest,
    }


def _code(version: Version) -> dict[str, Value]:
    lineage = version.lineage
    return {
        "digest": lineage.code_digest,
        "commit": lineage.git_commit,
        "uncommitted changes": lineage.git_dirty,
        "image": lineage.image,
    }


def _params(version: Version) -> dict[str, Value]:
    return {**dict(sorted(version.lineage.params.items())), "(seed)": version.lineage.seed}


def _files(old: Iterable[Input], new: Iterable[Input]) -> tuple[FileChange, ...]:
    before, after = _states(old), _states(new)
    pairs = ((key, before.get(key), after.get(key)) for key in sorted({*before, *after}))
    return tuple(FileChange(*pair) for pair in pairs if pair[1] != pair[2])


def _states(inputs: Iterable[Input]) -> dict[str, FileState]:
    return {
        one.key: FileState(one.digest, one.rows, one.size) for one in inputs if one.kind == "data"
    }


def _rows(inputs: Iterable[Input]) -> int:
    return sum(one.rows for one in inputs)


def _environment(
    old: tuple[str, ...] | None, new: tuple[str, ...] | None
) -> tuple[Change, ...] | None:
    if old is None or new is None:
        return None
    before, after = ({n: v for n, _, v in (line.partition("==") for line in s)} for s in (old, new))
    return _changes(before, after)


def _contract(old: Contract | None, new: Contract | None) -> tuple[Change, ...] | None:
    if old is None or new is None:
        return None
    return (*_changes(_terms(old), _terms(new)), *_columns(old.columns, new.columns))


def _terms(contract: Contract) -> dict[str, Value]:
    """Return everything of a contract but what its columns are like."""
    fields: dict[str, Any] = asdict(contract)
    del fields["model"], fields["columns"]
    target = fields.pop("target")
    flat = {**fields, **{f"target.{name}": value for name, value in target.items()}}
    return {name: _plain(value) for name, value in flat.items()}


def _columns(old: tuple[Column, ...], new: tuple[Column, ...]) -> tuple[Change, ...]:
    before, after = {c.name: c for c in old}, {c.name: c for c in new}
    found: list[Change] = []
    for name in dict.fromkeys((*after, *before)):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            kinds = (one.type if one else None, other.type if other else None)
            found.append(Change(f"column {name}", *kinds))
        else:
            found += _changes(_fields(one), _fields(other))
            found += _listed(f"column {name}: category", one.categories, other.categories)
    return (*found, *_order("order of columns", tuple(before), tuple(after)))


def _fields(column: Column) -> dict[str, Value]:
    values = {field: _plain(getattr(column, field)) for field in _COLUMN_FIELDS}
    return {f"column {column.name}: {field}": value for field, value in values.items()}


def _listed(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> tuple[Change, ...]:
    """Return what was added to a list, what was taken from it, and whether the rest moved."""
    added = (Change(name, None, one) for one in new if one not in old)
    removed = (Change(name, one, None) for one in old if one not in new)
    return (*added, *removed, *_order(f"{name}, order", old, new))


def _order(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> tuple[Change, ...]:
    before, after = [one for one in old if one in new], [one for one in new if one in old]
    return () if before == after else (Change(name, ", ".join(before), ", ".join(after)),)


def _plain(value: Value | tuple[str, ...] | None) -> Value:
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else value


def _metrics(
    old: Mapping[str, float], new: Mapping[str, float], higher_is_better: Mapping[str, bool]
) -> tuple[MetricChange, ...]:
    found = []
    for name in sorted({*old, *new}):
        one, other = old.get(name), new.get(name)
        moved = other - one if one is not None and other is not None else None
        up = higher_is_better.get(name)
        better = (moved > 0) == up if moved and up is not None else None
        found.append(MetricChange(name, one, other, moved, better))
    return tuple(found)
