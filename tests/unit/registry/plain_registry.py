"""What a registry has to do, told a second time: one model, plain fields, no rows and no rivals.

Each command is a generator: it refuses, or yields once per commit and applies it when resumed, and
returns its answer. So a command that dies between two commits is told like one that ends.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tidegate.errors import (
    FencedError,
    IllegalTransitionError,
    LockHeldError,
    NotFoundError,
    ReleaseRefusedError,
    RequestError,
)

Steps = Generator[None, None, Any]
RELEASABLE = ("approved", "champion", "retired")


class RefusedError(Exception):
    """The registry has to raise `kind`."""

    def __init__(self, kind: type[Exception]) -> None:
        super().__init__(kind.__name__)
        self.kind = kind


@dataclass
class PlainVersion:
    """A version: its status, whether its gates passed, and its commits of inputs."""

    number: int
    status: str
    good: bool
    chunks: int
    recorded: int = 1


@dataclass(frozen=True)
class PlainRelease:
    """A release; `before` is what served: version, release, function."""

    id: str
    version: int
    state: str
    weight: int
    function: str
    fence: int
    before: tuple[int, str, str]


@dataclass
class PlainLock:
    """Who may move traffic, until when, and how often that changed."""

    holder: str
    token: int
    expires: datetime
    lease: timedelta


@dataclass(frozen=True)
class Happened:
    """An event: kind, time, and champion, release, function, challenger, open release, weight."""

    kind: str
    at: datetime
    serving: tuple[int, str, str, int, str, int]


def refuse(kind: type[Exception], *, when: bool) -> None:
    if when:
        raise RefusedError(kind)


@dataclass
class PlainRegistry:
    """One model's registry."""

    owner: str
    now: datetime
    versions: dict[int, PlainVersion] = field(default_factory=dict)
    releases: dict[str, PlainRelease] = field(default_factory=dict)
    lock: PlainLock | None = None
    champion: tuple[int, str] = (0, "")  # version, release
    reigns: list[tuple[int, str]] = field(default_factory=list)
    code: tuple[str, int] = ("", 0)
    reports: set[str] = field(default_factory=set)
    requests: dict[tuple[str, str], tuple[object, Any]] = field(default_factory=dict)
    events: list[Happened] = field(default_factory=list)

    def ask(self, verb: str, request: str, content: object, steps: Steps) -> Steps:
        """Give the answer that a request got when it changed something; let it act otherwise."""
        if (verb, request) in self.requests:
            asked, answer = self.requests[verb, request]
            refuse(RequestError, when=asked != content)
            return answer
        before = len(self.events)
        answer = yield from steps
        if len(self.events) > before:
            self.requests[verb, request] = (content, answer)
        return answer

    # -- versions

    def reserve(self, *, good: bool, chunks: int) -> Steps:
        yield
        number = len(self.versions) + 1
        self.versions[number] = PlainVersion(number, "pending", good, chunks)
        self._happened("VersionReserved")
        return (number, "pending")

    def record(self, number: int) -> Steps:
        version = self.versions[number]
        while version.recorded < version.chunks and version.status == "pending":
            yield
            version.recorded += 1
            self._happened("InputsRecorded")

    def complete(self, number: int) -> Steps:
        version = self._version(number)
        refuse(IllegalTransitionError, when=version.status == "failed")
        if version.status == "pending":
            refuse(RequestError, when=version.recorded < version.chunks)
            yield
            version.status = "candidate"
            self._happened("VersionRegistered")
        return (number, version.status)

    def register(self, request: str, content: object, *, good: bool, chunks: int) -> Steps:
        reserving = self.reserve(good=good, chunks=chunks)
        number, _ = yield from self.ask("reserve", request, content, reserving)
        yield from self.record(number)
        version = self.versions[number]
        if version.status == "quarantined":
            return (number, "quarantined")
        refuse(IllegalTransitionError, when=version.status == "failed")
        done = yield from self.ask("complete", request, number, self.complete(number))
        if not good:
            return done
        approving = self.approve(number, override="")
        return (yield from self.ask("approve", request, (number, ""), approving))

    def fail_version(self, number: int) -> Steps:
        version = self._version(number)
        if version.status == "pending":
            yield
            version.status = "failed"
            self._happened("VersionFailed")
        return (number, version.status)

    def approve(self, number: int, *, override: str) -> Steps:
        version = self._version(number)
        if version.status in RELEASABLE:
            return (number, version.status)
        refuse(IllegalTransitionError, when=version.status != "candidate")
        refuse(ReleaseRefusedError, when=not version.good and not override)
        yield
        version.status = "approved"
        self._happened("VersionApproved")
        return (number, "approved")

    def quarantine(self, number: int) -> Steps:
        version = self._version(number)
        refuse(IllegalTransitionError, when=version.status == "champion")
        if version.status != "quarantined":
            yield
            version.status = "quarantined"
            self._happened("VersionQuarantined")
        return (number, "quarantined")

    # -- releases

    def begin(self, name: str, number: int, lease: timedelta) -> Steps:
        known = self.releases.get(name)
        if known is not None:
            refuse(ReleaseRefusedError, when=known.state != "running")
            refuse(FencedError, when=not self._holds(name))
            return known
        refuse(ReleaseRefusedError, when=self._version(number).status not in RELEASABLE)
        lock = self.lock or PlainLock("", 0, self.now, lease)
        refuse(LockHeldError, when=bool(lock.holder) and lock.expires > self.now)
        yield
        before = self._before(lock.holder)
        self._fail(lock.holder)
        self.lock = PlainLock(name, lock.token + 1, self.now + lease, lease)
        begun = PlainRelease(name, number, "running", 0, "", lock.token + 1, before)
        self.releases[name] = begun
        self._happened("ReleaseStarted")
        return begun

    def advance(self, name: str, weight: int, function: str, kind: str) -> Steps:
        known = self._release(name)
        refuse(FencedError, when=not self._holds(name))
        if (known.weight, known.function) == (weight, function):
            return known
        yield
        assert self.lock is not None
        self.releases[name] = replace(known, weight=weight, function=function)
        self.lock.expires = self.now + self.lock.lease
        self._happened(kind)
        return self.releases[name]

    def finish(self, ended: PlainRelease, *, quarantine: bool) -> Steps:
        known = self.releases.get(ended.id)
        if known is None:
            refuse(NotFoundError, when=ended.state != "failed")
            yield
            self.releases[ended.id] = ended
            self._happened("ReleaseFailed")
            return ended
        if known.state == ended.state:
            return known
        refuse(FencedError, when=not self._holds(ended.id))
        version = self.versions[ended.version]
        promoted = ended.state == "promoted"
        refuse(ReleaseRefusedError, when=promoted and version.status not in RELEASABLE)
        yield
        self.releases[ended.id] = ended
        self._free(token=0)
        if promoted:
            self._crown(version.number, ended.id)
        elif quarantine and version.status != "champion":
            version.status = "quarantined"
        kinds = {"promoted": "ReleasePromoted", "rolled_back": "ReleaseRolledBack"}
        self._happened(kinds.get(ended.state, "ReleaseFailed"))
        return ended

    def abandon(self, name: str) -> Steps:
        known = self._release(name)
        if known.state != "running":
            return known
        assert self.lock is not None
        refuse(LockHeldError, when=self.lock.expires > self.now)
        yield
        self._fail(name)
        self._free(token=1)
        self._happened("ReleaseFailed")
        return self.releases[name]

    def move_champion(self, number: int) -> Steps:
        refuse(ReleaseRefusedError, when=self._version(number).status not in RELEASABLE)
        served = [release for version, release in self.reigns if version == number]
        refuse(ReleaseRefusedError, when=not served)
        target, open_release = (number, served[-1]), self._open()
        if self.champion != target or open_release:
            yield
            self._fail(open_release)
            self._free(token=1)
            if self.champion != target:
                self._crown(*target)
            self._happened("ChampionMoved")
        return self.releases[target[1]]

    # -- the rest

    def ensure_model(self, owner: str) -> Steps:
        if owner != self.owner:
            yield
            self.owner = owner
            self._happened("OwnerChanged")
        return owner

    def push_code(self, digest: str) -> Steps:
        if digest != self.code[0]:
            yield
            self.code = (digest, self.code[1] + 1)
            self._happened("CodePushed")
        return self.code

    def report_drift(self, report: str) -> Steps:
        if report not in self.reports:
            yield
            self.reports.add(report)
            self._happened("DriftReported")
        return report

    def note(self, kind: str) -> Steps:
        yield
        self._happened(kind)

    # -- state

    def _version(self, number: int) -> PlainVersion:
        refuse(NotFoundError, when=number not in self.versions)
        return self.versions[number]

    def _release(self, name: str) -> PlainRelease:
        refuse(NotFoundError, when=name not in self.releases)
        return self.releases[name]

    def _holds(self, name: str) -> bool:
        known = self.releases[name]
        running = known.state == "running"
        return running and self.lock is not None and self.lock.token == known.fence

    def _open(self) -> str:
        return self.lock.holder if self.lock is not None else ""

    def _before(self, dead: str) -> tuple[int, str, str]:
        version, release = self.champion
        if version:
            return version, release, self.releases[release].function
        return (0, "", self.releases[dead].before[2] if dead else "1")

    def _fail(self, name: str) -> None:
        if name:
            self.releases[name] = replace(self.releases[name], state="failed", weight=0)

    def _free(self, *, token: int) -> None:
        assert self.lock is not None
        self.lock.holder, self.lock.token = "", self.lock.token + token
        self.lock.expires = self.now

    def _crown(self, number: int, release: str) -> None:
        old = self.champion[0]
        if old:
            self.versions[old].status = "retired"
        self.versions[number].status = "champion"
        self.champion = (number, release)
        self.reigns.append(self.champion)

    def _happened(self, kind: str) -> None:
        version, release = self.champion
        function = self.releases[release].function if release else ""
        open_release = self._open()
        other = self.releases[open_release] if open_release else None
        challenger = (other.version, other.id, other.weight) if other else (0, "", 0)
        at = max(self.now, self.events[-1].at) if self.events else self.now
        self.events.append(Happened(kind, at, (version, release, function, *challenger)))
