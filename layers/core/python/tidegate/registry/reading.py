"""Reading the registry: looks are consistent, and what is missing is named."""

from __future__ import annotations

from datetime import datetime

from tidegate.errors import CorruptRecordError, NotFoundError, RequestError
from tidegate.registry.rules import check_model_name
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import (
    DriftReport,
    Event,
    Input,
    Lock,
    Meta,
    Pointer,
    PointerName,
    Reign,
    Release,
    Run,
    Signature,
    Version,
)

_PAGE = 1000  # events that are asked for at once


class Reading:
    """The registry's questions."""

    def __init__(self, store: RegistryStore) -> None:
        """Read from `store`."""
        self._store = store

    def models(self) -> tuple[str, ...]:
        """Return the names of all models, sorted."""
        return self._store.models()

    def meta(self, model: str) -> Meta:
        """Return a model's head; raise `NotFoundError` when there is no such model."""
        meta = self._store.read(Meta, check_model_name(model))
        if meta is None:
            raise NotFoundError(f"no model {model!r} in the registry")
        return meta

    def version(self, model: str, number: int) -> Version:
        """Return one version; raise `NotFoundError` when it does not exist."""
        found = self._store.read(Version, check_model_name(model), str(number))
        if found is None:
            raise NotFoundError(f"model {model!r} has no version {number}")
        return found

    def versions(self, model: str, limit: int = 50) -> tuple[Version, ...]:
        """Return the latest versions, newest first."""
        return self._store.newest(Version, check_model_name(model), limit)

    def pointer(self, model: str, name: PointerName) -> Pointer | None:
        """Return a pointer, or None when it points at nothing."""
        pointer = self._store.read(Pointer, check_model_name(model), name)
        return pointer if pointer is not None and pointer.target else None

    def champion(self, model: str) -> Version | None:
        """Return the version that serves, or None before the first release."""
        pointer = self.pointer(model, "champion")
        return None if pointer is None else self.version(model, int(pointer.target))

    def lock(self, model: str) -> Lock | None:
        """Return the release lock as it was last written, or None before the first release."""
        return self._store.read(Lock, check_model_name(model))

    def release(self, model: str, release: str) -> Release:
        """Return one release; raise `NotFoundError` when it does not exist."""
        found = self._store.read(Release, check_model_name(model), release)
        if found is None:
            raise NotFoundError(f"model {model!r} has no release {release!r}")
        return found

    def releases(self, model: str, limit: int = 50) -> tuple[Release, ...]:
        """Return the latest releases, newest first; a `limit` of 0 means all."""
        return self._store.newest(Release, check_model_name(model), limit)

    def run(self, model: str, run: str) -> Run:
        """Return one training run; raise `NotFoundError` when it does not exist."""
        found = self._store.read(Run, check_model_name(model), run)
        if found is None:
            raise NotFoundError(f"model {model!r} has no training run {run!r}")
        return found

    def runs(self, model: str, limit: int = 50) -> tuple[Run, ...]:
        """Return the latest training runs, newest first."""
        return self._store.newest(Run, check_model_name(model), limit)

    def runs_by_identity(self, model: str, identity: str) -> tuple[Run, ...]:
        """Return runs with this identity digest; a hint that may lag behind, never a decision."""
        found = self._store.with_digest(Run, identity)
        return tuple(run for run in found if run.model == check_model_name(model))

    def reports(self, model: str, limit: int = 50) -> tuple[DriftReport, ...]:
        """Return the latest drift reports, newest first."""
        return self._store.newest(DriftReport, check_model_name(model), limit)

    def events(self, model: str, after: int = 0, until: int = 0) -> tuple[Event, ...]:
        """Return events numbered above `after` and at most `until` (0: all), oldest first."""
        found: list[Event] = []
        while not until or after < until:
            limit = min(_PAGE, until - after) if until else _PAGE
            page = self._store.events(check_model_name(model), after=after, limit=limit)
            if not page:
                break
            found.extend(page)
            after = page[-1].sequence
        return tuple(found)

    def event(self, model: str, sequence: int) -> Event:
        """Return one event by its number; the log has no gaps (`CorruptRecordError`)."""
        event = self._store.read(Event, check_model_name(model), str(sequence))
        if event is None:
            raise CorruptRecordError(f"the log of {model!r} lacks event {sequence}")
        return event

    def newest_events(self, model: str, limit: int = 50) -> tuple[Event, ...]:
        """Return the latest events, newest first."""
        return self._store.newest(Event, check_model_name(model), limit)

    def signature(self, model: str, number: int) -> Signature:
        """Return a version's signature; raise `NotFoundError` when it has none."""
        found = self._store.read(Signature, check_model_name(model), str(number))
        if found is None:
            raise NotFoundError(f"version {number} of {model!r} has no signature")
        return found

    def inputs(self, model: str, number: int) -> tuple[Input, ...]:
        """Return what a version was made from: its data files, then code, dataset, environment.

        Raises `NotFoundError` when there is no such version.
        """
        self.version(model, number)
        found = self._store.newest(Input, check_model_name(model), 0, under=number)
        return tuple(sorted(found, key=lambda one: (one.kind != "data", one.kind, one.index)))

    def made_from(self, digest: str) -> tuple[Input, ...]:
        """Return the inputs, of any version of any model, that have this SHA-256 (hex)."""
        return self._store.with_digest(Input, digest)

    def history(self, model: str, limit: int = 50) -> tuple[Reign, ...]:
        """Return the latest reigns of champions, newest first; a `limit` of 0 means all."""
        return self._store.newest(Reign, check_model_name(model), limit)

    def at(self, model: str, moment: datetime) -> Event | None:
        """Return the last event that is not later than `moment`; None before the first one.

        Its `serving` is what traffic did then. Events are numbered without gaps and their times
        never run backwards, so it takes log2(events) reads. Raises `RequestError` for a time
        without a zone.
        """
        if moment.tzinfo is None:
            raise RequestError(
                f"{moment.isoformat()}: a time zone is expected, e.g. a Z at the end"
            )
        low, high = 0, self.meta(model).rev
        found: Event | None = None
        while low < high:  # the answer's sequence is in [low, high]
            middle = (low + high + 1) // 2
            event = self.event(model, middle)
            if event.at <= moment:
                low, found = middle, event
            else:
                high = middle - 1
        return found
