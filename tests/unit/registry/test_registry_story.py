"""A version's story, told from the records that real commands wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.fakes import made
from tests.fakes.signer import FakeSigner
from tidegate.registry.book import Registry
from tidegate.registry.service import Share, shares, terms, turning
from tidegate.registry.story import Records, Story, story_of
from tidegate.registry.values import Release, ReleaseState, Serving

MODEL = "iris"


def train(registry: Registry, letter: str, *, minute: int, passed: bool = True) -> int:
    at = made.later(60 * minute)
    run = replace(made.run(f"run-{letter}"), started=at)
    registry.start_run(run, at=at)
    draft = replace(made.draft(letter, passed=passed), run=run.id)
    return registry.register(
        MODEL, draft, FakeSigner(), at=at, actor="register", request_id=letter
    ).number


def begin(registry: Registry, number: int, *, minute: int, release: str = "") -> Release:
    wanted = made.release(release or f"r-{number}", number)
    return registry.begin_release(wanted, lease=timedelta(hours=1), at=made.later(60 * minute))


def end(
    registry: Registry,
    release: Release,
    state: ReleaseState,
    *,
    minute: int,
    quarantine: bool = False,
) -> None:
    ended = replace(release, state=state, function_version="7", outcome=f"it {state}")
    registry.finish_release(ended, at=made.later(60 * minute), quarantine=quarantine)


def promote(registry: Registry, number: int, *, minute: int, release: str = "") -> None:
    begun = begin(registry, number, minute=minute, release=release)
    end(registry, begun, "promoted", minute=minute + 1)


def story(registry: Registry, number: int) -> Story:
    version = registry.version(MODEL, number)
    return story_of(
        Records(
            version=version,
            run=registry.run(MODEL, version.run),
            inputs=registry.inputs(MODEL, number),
            signature=registry.signature(MODEL, number),
            releases=registry.releases(MODEL, 0),
            reigns=registry.history(MODEL, 0),
            events=registry.events(MODEL),
            serving=registry.meta(MODEL).serving,
        )
    )


def test_a_champion_serves_until_a_newer_version_replaces_it() -> None:
    registry, _ = made.registry()
    promote(registry, train(registry, "1", minute=0), minute=1)
    promote(registry, train(registry, "2", minute=10), minute=11)

    told = story(registry, 1)
    (service,) = told.service
    assert (service.since, service.until) == (made.later(120), made.later(720))
    assert (service.release, service.function_version) == ("r-1", "7")
    assert service.end is not None
    assert (service.end.kind, service.end.version, service.end.release) == ("replaced", 2, "r-2")
    assert (service.end.actor, service.end.reason) == ("ann", "it promoted")
    assert told.shares == ()
    assert [release.id for release in told.releases] == ["r-1"]


def test_the_present_champion_has_no_end_and_a_share_of_the_traffic() -> None:
    registry, _ = made.registry()
    promote(registry, train(registry, "1", minute=0), minute=1)
    told = story(registry, 1)
    assert (told.service[0].until, told.service[0].end) == (None, None)
    assert told.shares == (Share("champion", 1, 100, "r-1"),)


def test_a_version_put_back_by_hand_serves_twice_and_the_other_was_moved_away() -> None:
    registry, _ = made.registry()
    promote(registry, train(registry, "1", minute=0), minute=1)
    promote(registry, train(registry, "2", minute=10), minute=11)
    at = made.later(60 * 20)
    registry.move_champion(MODEL, version=1, at=at, actor="eve", reason="2 is odd")

    assert [service.since for service in story(registry, 1).service] == [made.later(120), at]
    moved = story(registry, 2).service[0].end
    assert moved is not None
    assert (moved.kind, moved.version, moved.actor, moved.reason) == ("moved", 1, "eve", "2 is odd")


def test_a_second_release_of_the_champion_is_told_as_such() -> None:
    registry, _ = made.registry()
    promote(registry, train(registry, "1", minute=0), minute=1)
    promote(registry, 1, minute=5, release="r-1b")
    first, second = story(registry, 1).service
    assert first.end is not None
    assert (first.end.kind, first.end.release) == ("republished", "r-1b")
    assert (second.release, second.end) == ("r-1b", None)


def test_an_approval_against_the_gates_is_an_override_with_its_reason() -> None:
    registry, _ = made.registry()
    number = train(registry, "1", minute=0, passed=False)
    at = made.later(90)
    registry.approve(MODEL, number=number, at=at, actor="eve", override="known noise")
    (decision,) = story(registry, number).decisions
    assert (decision.kind, decision.actor, decision.reason) == ("overridden", "eve", "known noise")


def test_approval_and_quarantine_are_told_in_order() -> None:
    registry, _ = made.registry()
    number = train(registry, "1", minute=0)
    at = made.later(90)
    registry.quarantine(MODEL, number=number, at=at, actor="eve", reason="leaks the label")
    approved, quarantined = story(registry, number).decisions
    assert (approved.kind, approved.actor) == ("approved", "register")
    assert (quarantined.kind, quarantined.reason) == ("quarantined", "leaks the label")
    assert approved.event < quarantined.event


def test_a_release_that_found_its_version_wrong_is_why_it_is_quarantined() -> None:
    registry, _ = made.registry()
    promote(registry, train(registry, "1", minute=0), minute=1)
    number = train(registry, "2", minute=10)
    begun = begin(registry, number, minute=11)
    end(registry, begun, "rolled_back", minute=12, quarantine=True)
    last = story(registry, number).decisions[-1]
    assert (last.kind, last.reason, last.at) == (
        "quarantined",
        "it rolled_back",
        made.later(60 * 12),
    )
    assert story(registry, number).service == ()


def test_a_release_rolled_back_without_quarantine_is_no_decision() -> None:
    registry, _ = made.registry()
    number = train(registry, "1", minute=0)
    end(registry, begin(registry, number, minute=1), "rolled_back", minute=2)
    assert [decision.kind for decision in story(registry, number).decisions] == ["approved"]


def test_a_quarantine_by_hand_after_a_rollback_is_told_once_and_by_its_own_reason() -> None:
    registry, _ = made.registry()
    number = train(registry, "1", minute=0)
    end(registry, begin(registry, number, minute=1), "rolled_back", minute=2)
    at = made.later(60 * 3)
    registry.quarantine(MODEL, number=number, at=at, actor="eve", reason="leaks the label")
    told = [(one.kind, one.actor) for one in story(registry, number).decisions]
    assert told == [("approved", "register"), ("quarantined", "eve")]


def test_decisions_on_other_versions_are_not_told() -> None:
    registry, _ = made.registry()
    first, other = train(registry, "1", minute=0), train(registry, "2", minute=1)
    registry.quarantine(MODEL, number=other, at=made.later(90), actor="eve", reason="odd")
    assert [decision.kind for decision in story(registry, first).decisions] == ["approved"]


# -- shares, terms and turnings


def test_a_challenger_before_any_champion_gets_its_weight_alone() -> None:
    assert shares(Serving(challenger=1, open_release="r-1", weight=10)) == (
        Share("challenger", 1, 10, "r-1"),
    )
    assert shares(Serving()) == ()


def test_terms_end_where_the_next_reign_begins() -> None:
    registry, _ = made.registry()
    for minute, letter in ((0, "1"), (10, "2"), (20, "3")):
        promote(registry, train(registry, letter, minute=minute), minute=minute + 1)
    found = terms(registry.history(MODEL))
    assert [term.reign.version for term in found] == [3, 2, 1]
    assert [term.until for term in found] == [None, made.later(1320), made.later(720)]


def test_the_turning_event_is_the_last_that_changed_traffic() -> None:
    registry, _ = made.registry()
    number = train(registry, "1", minute=0)
    begun = begin(registry, number, minute=1)
    shifted = replace(begun, weight=10, function_version="7")
    registry.advance_release(shifted, kind="WeightShifted", at=made.later(120))
    train(registry, "2", minute=3)  # is logged, and changes no traffic
    turned = turning(registry.events(MODEL))
    assert turned is not None
    assert (turned.kind, turned.serving.weight) == ("WeightShifted", 10)
    assert turning(()) is None
