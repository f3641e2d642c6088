"""Reading the registry: looks are consistent, and what is missing is named."""

from __future__ import annotations

from tidegate.errors import NotFoundError
from tidegate.registry.rules import check_model_name
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import (
    DriftReport,
    Event,
    Lock,
    Meta,
    Pointer,
    PointerName,
    Release,
    Run,
    Version,
)


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
        """Return the latest releases, newest first."""
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
        return self._store.by_identity(check_model_name(model), identity)

    def reports(self, model: str, limit: int = 50) -> tuple[DriftReport, ...]:
        """Return the latest drift reports, newest first."""
        return self._store.newest(DriftReport, check_model_name(model), limit)

    def events(self, model: str, after: int = 0) -> tuple[Event, ...]:
        """Return all events with a sequence above `after`, oldest first."""
        found: list[Event] = []
        page = self._store.events(check_model_name(model), after=after)
        while page:
            found.extend(page)
            page = self._store.events(model, after=page[-1].sequence)
        return tuple(found)
