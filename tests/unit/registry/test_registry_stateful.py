"""The registry against a plain model of it: random commands, crashes, lost answers, rivals, clocks.

Every actor's clock is wrong by up to five minutes, any commit may go wrong, and any request may
come again at any later time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.faulty_store import Fault, FaultyStore, InterruptedCommitError
from tests.fakes.made import PATIENT, START, digest, draft, release
from tests.fakes.registry_store import FakeRegistryStore
from tests.fakes.signer import FakeSigner
from tests.unit.registry.plain_registry import (
    RELEASABLE,
    Happened,
    PlainRegistry,
    PlainRelease,
    RefusedError,
    Steps,
)
from tidegate.clock import parse_stamp, stamp
from tidegate.errors import TidegateError
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act
from tidegate.registry.replay import replay
from tidegate.registry.values import (
    DataFile,
    DriftReport,
    Event,
    Meta,
    Pointer,
    Release,
    Serving,
    Version,
    VersionDraft,
)

LEASE = timedelta(minutes=4)
SKEWS = {"ann": 0, "bob": 300, "eve": -300}  # seconds
LONG = timedelta(days=9999)


@dataclass(frozen=True)
class How:
    """How a command is sent: its request id (from 10 on: one of its own), by whom, what fails."""

    request: int
    actor: str
    faults: tuple[Fault, ...]

    def part(self, commit: int) -> How:
        """Return how one command of several is sent, with a request id of its own."""
        return How(99, self.actor, self.faults[commit : commit + 1])


PLAIN = How(99, "ann", ())
faults = st.lists(st.sampled_from(["none", "none", "busy", "crash", "lost", "echo"]), max_size=3)
hows = st.builds(How, st.integers(0, 30), st.sampled_from(sorted(SKEWS)), faults.map(tuple))
picks = st.integers(0, 9)


@dataclass(frozen=True)
class Call:
    """A command as it was sent, to be sent again."""

    verb: str
    request: str
    content: object  # by the model: what makes it another request
    send: Callable[[Registry, datetime, str], Any]
    expect: Callable[[], Steps]


class Machine(RuleBasedStateMachine):
    """One model of the registry, and who works on it."""

    def __init__(self) -> None:
        super().__init__()
        self.store = FaultyStore(FakeRegistryStore())
        self.announcer = FakeAnnouncer()
        self.book = Registry(self.store, self.announcer, retries=PATIENT)
        self.signer = FakeSigner()
        self.now = START
        self.calls: list[Call] = []
        self.answers: dict[tuple[str, str], Any] = {}
        self.log: list[Event] = []
        self.approved: set[int] = set()

    @initialize(served=st.integers(0, 2))
    def begin(self, served: int) -> None:
        self.book.ensure_model("iris", owner="ann", at=START, actor="ann")
        self.plain = PlainRegistry("ann", START)
        self.plain.events.append(Happened("ModelCreated", START, (0, "", "", 0, "", 0)))
        self._check_log()
        for good in (True, True, False):
            self.register(good, 0, PLAIN, "a")
        for number in range(served):
            self.whole_release(number, 9, "promoted", False, PLAIN)

    # -- commands

    @rule(
        good=st.booleans(),
        files=st.sampled_from([0, 0, 0, 1, 78]),
        how=hows,
        letter=st.sampled_from("ab"),
    )
    def register(self, good: bool, files: int, how: How, letter: str) -> None:
        made = _draft(letter, good, files)
        name, chunks = self._request(how), 2 if files > 77 else 1
        self._send(
            Call(
                "register",
                name,
                made,
                lambda book, at, actor: book.register(
                    "iris", made, self.signer, at=at, actor=actor, request_id=name
                ),
                lambda: self.plain.register(name, made, good=good, chunks=chunks),
            ),
            how,
        )

    @rule(good=st.booleans(), files=st.sampled_from([0, 0, 0, 78]), how=hows)
    def reserve(self, good: bool, files: int, how: How) -> None:
        made, chunks = _draft("a", good, files), 2 if files > 77 else 1
        name = self._request(how)

        def steps() -> Steps:
            reserving = self.plain.reserve(good=good, chunks=chunks)
            answer = yield from self.plain.ask("reserve", name, made, reserving)
            yield from self.plain.record(answer[0])
            return answer

        self._send(
            Call(
                "register",  # asks for its requests by itself
                name,
                made,
                lambda book, at, actor: book.reserve(
                    "iris", made, at=at, actor=actor, request_id=name
                ),
                steps,
            ),
            how,
        )

    @rule(
        pick=picks,
        verb=st.sampled_from(["fail_version", "quarantine", "approve"]),
        words=st.sampled_from(["", "bad", "good"]),
        how=hows,
    )
    def judge(self, pick: int, verb: str, words: str, how: How) -> None:
        number = self._number(pick)
        name = "override" if verb == "approve" else "reason"
        given = {"override": words} if verb == "approve" else {}
        self._simple(
            verb,
            {"number": number, name: words},
            (number, words),
            lambda: getattr(self.plain, verb)(number, **given),
            how,
        )

    @rule(pick=picks, name=picks, how=hows)
    def begin_release(self, pick: int, name: int, how: How) -> None:
        number, asked = self._releasable(pick), self._name(name)
        wanted = replace(release(asked, number), actor=how.actor)
        sent = self._request(how)
        self._send(
            Call(
                "begin_release",
                sent,
                (asked, number),
                lambda book, at, _: book.begin_release(wanted, lease=LEASE, at=at, request_id=sent),
                lambda: self.plain.begin(asked, number, LEASE),
            ),
            how,
        )

    @rule(
        name=picks,
        weight=st.sampled_from([0, 10, 50, 100]),
        function=st.sampled_from("23"),
        kind=st.sampled_from(["WeightShifted", "ReleasePublished"]),
        how=hows,
    )
    def advance_release(
        self,
        name: int,
        weight: int,
        function: str,
        kind: str,
        how: How,
    ) -> None:
        there = self._release(name)
        if there is None:
            return
        wanted = replace(there, state="running", weight=weight, function_version=function)
        sent = self._request(how)
        self._send(
            Call(
                "advance_release",
                sent,
                (wanted, kind),
                lambda book, at, _: book.advance_release(wanted, kind=kind, at=at, request_id=sent),
                lambda: self.plain.advance(wanted.id, weight, function, kind),
            ),
            how,
        )

    @rule(
        name=picks,
        state=st.sampled_from(["promoted", "promoted", "rolled_back", "failed"]),
        quarantine=st.booleans(),
        how=hows,
    )
    def finish_release(
        self,
        name: int,
        state: Any,
        quarantine: bool,
        how: How,
    ) -> None:
        there = self._release(name) or replace(release("r-never", 1), actor=how.actor)
        weight = 100 if state == "promoted" else 0
        ended = replace(there, state=state, weight=weight, outcome="so it ended")
        sent = self._request(how)
        self._send(
            Call(
                "finish_release",
                sent,
                (ended.id, state, quarantine),
                lambda book, at, _: book.finish_release(
                    ended, at=at, quarantine=quarantine, request_id=sent
                ),
                lambda: self.plain.finish(_told(ended), quarantine=quarantine),
            ),
            how,
        )

    @rule(
        pick=picks,
        name=picks,
        state=st.sampled_from(["promoted", "rolled_back"]),
        quarantine=st.booleans(),
        how=hows,
    )
    def whole_release(
        self,
        pick: int,
        name: int,
        state: Any,
        quarantine: bool,
        how: How,
    ) -> None:
        self.begin_release(pick, name, how.part(0))
        self.advance_release(0, 50, "23"[pick % 2], "WeightShifted", how.part(1))
        self.finish_release(0, state, quarantine, how.part(2))

    @rule(name=picks, how=hows)
    def abandon_release(self, name: int, how: How) -> None:
        asked = self._name(name)
        self._simple(
            "abandon_release",
            {"release": asked, "reason": "its workflow died"},
            asked,
            lambda: self.plain.abandon(asked),
            how,
        )

    @rule(pick=picks, how=hows)
    def move_champion(self, pick: int, how: How) -> None:
        served = [version for version, _ in self.plain.reigns]
        number = served[pick % len(served)] if served and pick < 8 else self._number(pick)
        self._simple(
            "move_champion",
            {"version": number, "reason": "complaints"},
            number,
            lambda: self.plain.move_champion(number),
            how,
        )

    @rule(
        verb=st.sampled_from(["owner", "code", "drift", "note"]),
        which=st.sampled_from("ab"),
        how=hows,
    )
    def rest(self, verb: str, which: str, how: How) -> None:
        sent = self._request(how)
        report = DriftReport("iris", stamp(START), "no_drift", False, 0.0, (), 9)
        report = replace(report, id=stamp(START + timedelta(days=ord(which))))
        sending: dict[str, Callable[[Registry, datetime, str], Any]] = {
            "owner": lambda book, at, who: book.ensure_model(
                "iris", owner=which, at=at, actor=who, request_id=sent
            ),
            "code": lambda book, at, who: book.push_code(
                "iris", digest=digest(which), at=at, actor=who, request_id=sent
            ),
            "drift": lambda book, at, _: book.report_drift(report, at=at, request_id=sent),
            "note": lambda book, at, who: book.note(
                "iris", kind="Decided", act=Act(at, who, request_id=sent), subject=which
            ),
        }
        told: dict[str, Callable[[], Steps]] = {
            "owner": lambda: self.plain.ensure_model(which),
            "code": lambda: self.plain.push_code(digest(which)),
            "drift": lambda: self.plain.report_drift(report.id),
            "note": lambda: self.plain.note("Decided"),
        }
        self._send(Call(verb, sent, which, sending[verb], told[verb]), how)

    @rule(pick=st.integers(0, 99), how=hows)
    def repeat(self, pick: int, how: How) -> None:
        """Send what was sent before once more."""
        if self.calls:
            self._send(self.calls[pick % len(self.calls)], how)

    @rule(minutes=st.integers(1, 20))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(pick=st.integers(0, 99), off=st.sampled_from([-LONG, -1, 0, 1, LONG]))
    def look_back(self, pick: int, off: Any) -> None:
        """See that what traffic did at a time is what the log up to then says."""
        moment = self.log[pick % len(self.log)].at
        moment += off if isinstance(off, timedelta) else timedelta(milliseconds=off)
        until = [event for event in self.log if event.at <= moment]
        found = self.book.at("iris", moment)
        assert found == (until[-1] if until else None)
        assert (found.serving if found else Serving()) == replay(until)

    # -- sending

    def _simple(
        self,
        verb: str,
        given: dict[str, Any],
        content: object,
        expect: Callable[[], Steps],
        how: How,
    ) -> None:
        sent = self._request(how)
        self._send(
            Call(
                verb,
                sent,
                content,
                lambda book, at, who: getattr(book, verb)(
                    "iris", **given, at=at, actor=who, request_id=sent
                ),
                expect,
            ),
            how,
        )

    def _send(self, call: Call, how: How) -> None:
        self.now += timedelta(seconds=7, microseconds=1234)
        at = self.now + timedelta(seconds=SKEWS[how.actor])
        self.plain.now = parse_stamp(stamp(at))
        self.store.faults.clear()
        self.store.faults.extend(how.faults)
        self.store.written = 0
        self.calls.append(call)
        steps = call.expect()
        if call.verb != "register":
            steps = self.plain.ask(call.verb, call.request, call.content, steps)
        died, refused, answer = False, None, None
        try:
            answer = call.send(self.book, at, how.actor)
        except InterruptedCommitError:
            died = True
        except TidegateError as error:
            refused = type(error)
        expected = self._follow(steps, died=died)
        if not died:
            assert expected == (refused or _told(answer))
        if not died and refused is None:
            self._check_same(call, answer)
        self._check_log()

    def _follow(self, steps: Steps, *, died: bool) -> Any:
        """Let the model do as many commits as were written; return its answer or its refusal."""
        left = self.store.written
        try:
            next(steps)
            while left:
                left -= 1
                next(steps)
        except StopIteration as end:
            assert not left, "the registry wrote more than the model"
            return end.value
        except RefusedError as refused:
            assert not left, "the registry wrote more than the model"
            return refused.kind
        assert died, "the registry wrote less than the model"
        return None

    def _check_same(self, call: Call, answer: Any) -> None:
        """Give a request that was answered by a commit the same answer for ever."""
        key = (call.verb, call.request)
        if key in self.plain.requests:
            assert self.answers.setdefault(key, answer) == answer

    # -- what must hold after every command

    def _check_log(self) -> None:
        fresh = self.book.events("iris", after=len(self.log))
        for event in fresh:
            assert event.sequence == len(self.log) + 1
            assert not self.log or event.at >= self.log[-1].at
            self.log.append(event)
            if event.kind == "VersionApproved":
                self.approved.add(int(event.subject.removeprefix("version:")))
            told = self.plain.events[event.sequence - 1]
            assert _happened(event) == told
        assert len(self.log) == len(self.plain.events)
        if fresh:
            assert replay(self.log) == self.log[-1].serving
            self._check_state()

    def _check_state(self) -> None:
        meta = self.book.meta("iris")
        assert (meta.rev, meta.serving) == (len(self.log), self.log[-1].serving)
        versions = self.store.newest(Version, "iris", 0)
        statuses = {version.number: version.status for version in versions}
        assert statuses == {v.number: v.status for v in self.plain.versions.values()}
        assert meta.counter == len(versions) == len(statuses)
        champions = [number for number, status in statuses.items() if status == "champion"]
        pointer = self.book.pointer("iris", "champion")
        assert champions == ([int(pointer.target)] if pointer else [])
        assert meta.serving.champion == (champions[0] if champions else 0)
        assert set(champions) <= self.approved

    def teardown(self) -> None:
        if not self.log:
            return
        assert list(self.book.events("iris")) == self.log
        told = [(reign.version, reign.release) for reign in self.book.history("iris", 0)][::-1]
        seen = [(e.serving.champion, e.serving.release) for e in self.log if e.serving.champion]
        assert told == [one for n, one in enumerate(seen) if n == 0 or seen[n - 1] != one]
        announced = [event.sequence for event in self.announcer.events]
        assert announced == sorted(set(announced))  # what died before it told is only in the log
        assert all(self.log[event.sequence - 1] == event for event in self.announcer.events)

    # -- names

    def _request(self, how: How) -> str:
        return f"q-{how.request}" if how.request < 10 else f"own-{len(self.calls)}"

    def _number(self, pick: int) -> int:
        """Pick a version, or one that does not exist."""
        return 1 + pick % (len(self.plain.versions) + 1)

    def _releasable(self, pick: int) -> int:
        """Pick a version that may be released, or now and then any."""
        found = [v.number for v in self.plain.versions.values() if v.status in RELEASABLE]
        return found[pick % len(found)] if found and pick < 8 else self._number(pick)

    def _name(self, pick: int) -> str:
        """Pick the release under way, if there is one, rather often; or any; or a new one."""
        lock = self.plain.lock
        if lock is not None and lock.holder and pick < 6:
            return lock.holder
        names = [*self.plain.releases, f"r-{len(self.plain.releases)}"]
        return names[-1 - pick % len(names)]

    def _release(self, pick: int) -> Release | None:
        return self.store.read(Release, "iris", self._name(pick))


def _draft(letter: str, good: bool, files: int) -> VersionDraft:
    inputs = tuple(DataFile(f"data/{n:03d}.csv", "v1", digest("d"), 1) for n in range(files))
    return replace(draft(letter, passed=good), inputs=inputs)


def _happened(event: Event) -> Happened:
    now = event.serving
    champion = (now.champion, now.release, now.function_version)
    return Happened(event.kind, event.at, (*champion, now.challenger, now.open_release, now.weight))


def _told(answer: Any) -> Any:
    """Return an answer as the model gives it."""
    match answer:
        case Version():
            return (answer.number, answer.status)
        case Release():
            before = (
                answer.previous_version,
                answer.previous_release,
                answer.previous_function_version,
            )
            return PlainRelease(
                answer.id,
                answer.version,
                answer.state,
                answer.weight,
                answer.function_version,
                answer.fence,
                before,
            )
        case Meta():
            return answer.owner
        case Pointer():
            return (answer.target, answer.rev)
        case DriftReport():
            return answer.id
    return answer


Machine.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),  # to explain takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
test_the_registry_does_what_its_model_does = Machine.TestCase
