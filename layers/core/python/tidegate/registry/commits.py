"""Commits: read META, decide, write everything at once; lose the race, and decide again.

A caller's request id is kept with the answer, in the same transaction: the same request again, also
after its answer was lost, gets the same answer and does nothing. A command without one gets an id
of its own, by which it recognizes its own event when only the answer to its commit was lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from tidegate.errors import NotFoundError, RegistryConflictError, RequestError
from tidegate.registry.announcer import Announcer
from tidegate.registry.answers import command_digest, given_before, is_record, with_answer
from tidegate.registry.codec import as_stored
from tidegate.registry.replay import after
from tidegate.registry.retries import Retries
from tidegate.registry.store import RegistryStore
from tidegate.registry.traffic import reign_of, serving_after
from tidegate.registry.values import Event, Meta, Record, Request

T = TypeVar("T")
Evidence = dict[str, str | int | float | bool]


@dataclass(frozen=True)
class Act:
    """Who does something, when and why; `request_id` names the request for good."""

    at: datetime
    actor: str
    reason: str = ""
    request_id: str = ""

    def __post_init__(self) -> None:
        """Raise `RequestError` for a time without a zone."""
        if self.at.tzinfo is None:
            raise RequestError(
                f"{self.at.isoformat()}: a time zone is expected, e.g. a Z at the end"
            )


@dataclass(frozen=True)
class Command:
    """What is asked for: a verb and what it is asked of; one request id can't ask for two."""

    verb: str
    parts: tuple[object, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the command."""
        return command_digest(self.verb, *self.parts)


@dataclass(frozen=True)
class Change(Generic[T]):
    """What a decision wants written, and the answer; without a `kind` nothing is left to do."""

    answer: T
    kind: str = ""
    records: tuple[Record, ...] = ()
    subject: str = ""
    reason: str = ""
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True)
class Commits:
    """The only way to write: exactly one event per commit, announced afterwards."""

    store: RegistryStore
    announcer: Announcer
    retries: Retries
    fresh: Callable[[], uuid.UUID] = uuid.uuid4  # for commands that came without a request id

    def apply(
        self, model: str, command: Command, act: Act, decide: Callable[[Meta], Change[T]]
    ) -> T:
        """Decide on the present state and commit; after a conflict wait and decide anew.

        Raises `NotFoundError` for an unknown model, `RequestError` when the request id has asked
        for something else before, `RegistryConflictError` when others were faster every time.
        """
        attempt = 0
        while True:
            meta = self.store.read(Meta, model)
            if meta is None:
                raise NotFoundError(f"no model {model!r} in the registry")
            earlier = self._earlier(model, command, act)
            if earlier is not None:
                answer: T = given_before(self.store, earlier, command.digest)
                return answer
            change = decide(meta)
            if not change.kind:
                return change.answer
            try:
                return self.write(meta, command, act, change)
            except RegistryConflictError:
                if self.retries.is_last(attempt):
                    raise
            self.retries.pause(attempt)
            attempt += 1

    def write(self, meta: Meta, command: Command, act: Act, change: Change[T]) -> T:
        """Commit one change on top of `meta` as read; `RegistryConflictError` if that is stale."""
        named = replace(act, request_id=act.request_id or self.fresh().hex)
        head, event = _head_and_event(meta, named, change)
        event = as_stored(event)  # as it is read back: a stamp has milliseconds
        answer: Any = head if isinstance(change.answer, Meta) else change.answer
        answer = as_stored(answer) if is_record(answer) else answer
        records = tuple(record for record in change.records if not isinstance(record, Meta))
        records += reign_of(meta.serving, event)
        if act.request_id:
            request = Request(
                model=meta.model,
                id=_request_key(command, act),
                command=command.digest,
                sequence=event.sequence,
                at=event.at,
            )
            records += (with_answer(request, answer),)
        try:
            self.store.commit(head, records, event)
        except RegistryConflictError:
            if self.store.read(Event, event.model, str(event.sequence)) != event:
                raise  # else it was written, and only the answer was lost
        self.announcer.announce(event)
        return answer  # type: ignore[no-any-return]  # of the change's own type

    def _earlier(self, model: str, command: Command, act: Act) -> Request | None:
        if not act.request_id:
            return None
        return self.store.read(Request, model, _request_key(command, act))


def _head_and_event(meta: Meta, act: Act, change: Change[Any]) -> tuple[Meta, Event]:
    moved = [record for record in change.records if isinstance(record, Meta)]
    serving = serving_after(meta.serving, change.records, change.evidence)
    # Clocks of writers differ a little; the log's times don't run backwards.
    at = max(act.at, meta.latest) if meta.latest is not None else act.at
    head = replace(moved[0] if moved else meta, rev=meta.rev + 1, latest=at, serving=serving)
    event = Event(
        model=meta.model,
        sequence=head.rev,
        kind=change.kind,
        at=at,
        actor=act.actor,
        reason=change.reason or act.reason,
        subject=change.subject,
        evidence=change.evidence,
        request_id=act.request_id,
        serving=serving,
    )
    if after(meta.serving, event) != serving:
        raise RequestError(
            f"{event.kind} of {event.subject or meta.model}: the log would tell of traffic what the"
            " records don't; this kind of event is written by a command of its own"
        )
    return head, event


def _request_key(command: Command, act: Act) -> str:
    """Return the key of a request; one id may stand for one command of each verb."""
    return f"{command.verb}:{act.request_id}"
