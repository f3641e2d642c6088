"""The exact data of a version: what was read, joined with the objects that it was read from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.packages import DATA_FILES
from tidegate.errors import CorruptRecordError
from tidegate.registry.values import DataFile, DataObject
from tidegate.training.exact_files import exact_files

GIVEN = tuple(DataObject(f.key, f"v{n}", f.checksum, f.size) for n, f in enumerate(DATA_FILES))


def test_each_file_has_its_object_version_and_its_rows() -> None:
    found = exact_files(DATA_FILES, reversed(GIVEN))
    assert found == (
        DataFile("data/ferry-delay/2013-01-01.csv.gz", "v0", "a" * 64, 120, 8),
        DataFile("data/ferry-delay/2013-02-01.csv.gz", "v1", "b" * 64, 90, 5),
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (GIVEN[:1], "2013-02-01.csv.gz of the package's data.json was not given"),
        ((GIVEN[0], replace(GIVEN[1], checksum="c" * 64)), "2013-02-01.csv.gz of the package's"),
        ((*GIVEN, replace(GIVEN[0], key="data/ferry-delay/x.csv")), "x.csv was given .* not in"),
    ],
    ids=["one less", "other bytes", "one more"],
)
def test_a_file_that_only_one_side_knows_is_named(
    given: tuple[DataObject, ...], expected: str
) -> None:
    with pytest.raises(CorruptRecordError, match=expected):
        exact_files(DATA_FILES, given)
