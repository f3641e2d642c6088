"""Runs and drift reports: recorded once, ended once."""

from __future__ import annotations

import pytest

from tests.fakes.made import START, digest, later, registry, run
from tidegate.errors import IllegalTransitionError, NotFoundError, RequestError
from tidegate.registry.commits import Act
from tidegate.registry.values import DriftReport


def test_the_same_start_five_times_is_one_run() -> None:
    book, announcer = registry()
    for _ in range(5):
        book.start_run(run(), at=START)
    assert announcer.kinds.count("RunStarted") == 1


def test_a_run_that_learns_its_identity_is_found_by_it() -> None:
    book, _ = registry()
    book.start_run(run(), at=START)
    book.start_run(run(identity=digest("f")), at=later(1))
    assert [r.id for r in book.runs_by_identity("iris", digest("f"))] == ["iris-1"]


@pytest.mark.parametrize(
    ("state", "kind"),
    [("succeeded", "RunSucceeded"), ("reused", "RunReused"), ("failed", "RunFailed")],
)
def test_a_run_ends_once(state: str, kind: str) -> None:
    book, announcer = registry()
    book.start_run(run(), at=START)
    for _ in range(2):
        ended = book.finish_run(
            "iris",
            run="iris-1",
            state=state,
            at=later(9),
            version=3,
            error="boom",  # type: ignore[arg-type]
        )
    assert (ended.state, ended.version, ended.finished) == (state, 3, later(9))
    assert announcer.kinds.count(kind) == 1
    other = "failed" if state != "failed" else "succeeded"
    with pytest.raises(IllegalTransitionError):
        book.finish_run("iris", run="iris-1", state=other, at=later(9))  # type: ignore[arg-type]


def test_a_failed_run_that_is_redriven_reopens_with_its_first_start() -> None:
    book, announcer = registry()
    book.start_run(run(), at=START)
    book.finish_run("iris", run="iris-1", state="failed", at=later(9), error="no capacity")
    again = book.start_run(run(), at=later(20))
    assert (again.state, again.started, again.error) == ("running", START, "")
    assert announcer.events[-1].evidence["redriven"] is True


def test_a_run_cannot_end_as_running() -> None:
    book, _ = registry()
    book.start_run(run(), at=START)
    with pytest.raises(RequestError, match="can't end as 'running'"):
        book.finish_run("iris", run="iris-1", state="running", at=later(1))


def test_an_unknown_run_cannot_end() -> None:
    book, _ = registry()
    with pytest.raises(NotFoundError, match="no training run 'nope'"):
        book.finish_run("iris", run="nope", state="failed", at=START)


def test_one_look_of_the_monitor_is_one_report() -> None:
    book, announcer = registry()
    report = DriftReport(
        "iris",
        "2026-11-22T10:00:00.000Z",
        "drift",
        True,
        2.5,
        ("hour", "wind"),
        900,
    )
    for _ in range(3):
        book.report_drift(report, at=later(3))
    assert book.reports("iris") == (report,)
    assert announcer.kinds.count("DriftReported") == 1
    assert announcer.events[-1].reason == "hour, wind"


def test_a_decision_is_noted_with_its_evidence() -> None:
    book, _ = registry()
    book.note(
        "iris",
        kind="GovernorDecided",
        act=Act(START, "governor", "cool-down until noon", "finding-1"),
        subject="drift:1",
        evidence={"decision": "ignore"},
    )
    event = book.events("iris")[-1]
    assert (event.kind, event.reason, event.request_id) == (
        "GovernorDecided",
        "cool-down until noon",
        "finding-1",
    )
