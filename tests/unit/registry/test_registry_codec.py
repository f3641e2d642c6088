"""Records become plain items and come back the same, or are refused by name."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.made import START, digest, release, run, version
from tidegate.errors import CorruptRecordError, RecordError
from tidegate.registry.codec import body_digest, decode, encode
from tidegate.registry.values import (
    Event,
    Input,
    Lock,
    Meta,
    Origin,
    Pointer,
    Reign,
    Release,
    Request,
    Serving,
    Signature,
    Verdict,
    Version,
)

VERDICT = Verdict(10, "advance", ("fine",), {"score_shift": 0.25, "rows": 300.0}, START)


ORIGIN = Origin(
    env="staging",
    account="1" * 12,
    region="eu-west-1",
    version=4,
    package_digest=digest("a"),
    created=START,
    created_by="t",
    key="key",
    algorithm="ECDSA_SHA_256",
    signature="AAAA",
    history="packages/iris/origins/x.jsonl",
    history_digest=digest("7"),
)


RECORDS = [
    Meta("iris", "ann", 3, 2),
    version(),
    version(holdout_shift=0.0),
    Pointer("iris", "champion", "3", 1, START, "r-1"),
    replace(release(), verdicts=(VERDICT,), finished=START),
    Lock("iris", "r-1", 2, START, 630.0),
    Meta("iris", "ann", 3, 2, Serving(2, "r-2", "7", 3, "r-3", 10), START),
    version(origin=ORIGIN, files=2, report="reports/iris/r/gates.json", report_digest=digest("9")),
    Input("iris", 1, "data", 4, digest("1"), "data/iris/a.csv.gz", "v7", 100, 3),
    Signature("iris", 1, "key", "ECDSA_SHA_256", "AAAA"),
    Reign("iris", 7, 2, "r-2", "7", START, "ann", "why"),
    Request("iris", "approve:x", digest("3"), 7, START, "Version", "1", "{}"),
    run(),
    Event("iris", 1, "ModelCreated", START, "ann", "", evidence={"n": 1, "x": 1.0, "b": True}),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_a_record_comes_back_as_it_was(record: Any) -> None:
    back = decode(type(record), encode(record))
    assert back == record
    assert repr(back) == repr(record)  # 1 and 1.0 and True are equal, but not the same


def test_no_float_reaches_the_store() -> None:
    def walk(value: Any) -> None:
        assert not isinstance(value, float)
        for part in (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        ):
            walk(part)

    walk(encode(version()))


@given(
    st.dictionaries(
        st.text(max_size=9),
        st.one_of(
            st.text(max_size=9),
            st.booleans(),
            st.integers(-(10**30), 10**30),
            st.floats(allow_nan=False, allow_infinity=False).filter(
                lambda x: x == 0 or 1e-120 < abs(x) < 1e120
            ),
        ),
        max_size=4,
    )
)
def test_mixed_parameters_keep_their_types(params: dict[str, Any]) -> None:
    event = Event("iris", 1, "Noted", START, "ann", "", evidence=params)
    try:
        back = decode(Event, encode(event)).evidence
    except RecordError:
        assert any("\ud800" <= c <= "\udfff" for k, v in params.items() for c in f"{k}{v}")
        return
    assert back == params
    assert {k: type(v) for k, v in back.items()} == {k: type(v) for k, v in params.items()}


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (version(metrics={"auc": math.nan}), "Version.metrics.auc: nan is not a finite"),
        (version(metrics={"auc": math.inf}), "Version.metrics.auc: inf"),
        (version(metrics={"auc": float("1e400")}), "Version.metrics.auc: inf"),
        (version(metrics={"auc": 1e-200}), "Version.metrics.auc: 1e-200 is outside the range"),
        (version(metrics={"auc": "high"}), "Version.metrics.auc: 'high' is not float"),
        (version(metrics={"auc": True}), "Version.metrics.auc: True is not float"),
        (version(package_digest="abc"), "Version.package_digest: 'abc' is not a SHA-256"),
        (version(number=0), "Version.number: '0' is not a version number"),
        (version(number=True), "Version.number: True is not int"),
        (version(status="great"), "Version.status: 'great' is not"),
        (version(model="../x"), "Version.model: '../x' is not a model name"),
        (version(created=START.replace(tzinfo=None)), "Version.created"),
        (version(created_by="\ud800"), "Version.created_by: holds half of a surrogate"),
        (replace(release(), id="a#b"), "Release.id: 'a#b' is not an id"),
        (replace(release(), weight=101), "Release.weight: '101' is not a percentage"),
        (replace(release(), function_version="$LATEST"), "Release.function_version"),
        (Pointer("iris", "champion", "../1", 1, START), "Pointer.target"),
        (Pointer("iris", "code", "12", 1, START), "Pointer.target: '12' is not a SHA-256"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_may_not_be_stored_is_named(record: Any, named: str) -> None:
    with pytest.raises(RecordError) as caught:
        encode(record)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"record": "Lock"}, "expected Version, found 'Lock'"),
        ({"bucket": "evil"}, "unknown field 'bucket'"),
        ({"number": "7"}, "Version.number: '7' is not int"),
        ({"number": Decimal("1.5")}, "Version.number: 1.5 is not int"),
        ({"number": Decimal("NaN")}, "Version.number"),
        ({"status": "great"}, "Version.status"),
        ({"created": "yesterday"}, "Version"),
        ({"created": "2026-11-22T10:00:00"}, "has no time zone"),
        ({"package_digest": "../../etc"}, "Version.package_digest"),
        ({"lineage": {}}, "Version.lineage: field 'data_digest' is missing"),
        ({"gates": "none"}, "Version.gates"),
        ({"metrics": {"auc": None}}, "Version.metrics.auc"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_planted_item_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(CorruptRecordError) as caught:
        decode(Version, {**encode(version()), **change})
    assert named in str(caught.value)


def test_only_what_may_change_leaves_the_body_digest_alone() -> None:
    before = version()
    assert body_digest(replace(before, status="approved")) == body_digest(before)
    assert body_digest(replace(before, package_digest=digest("f"))) != body_digest(before)
    assert body_digest(replace(before, metrics={"auc": 0.9})) != body_digest(before)
    assert body_digest(replace(release(), weight=10)) == body_digest(release())
    assert body_digest(replace(release(), version=2)) != body_digest(release())
    assert isinstance(decode(Release, encode(release())), Release)
