"""The snapshot: fix data, code, parameters and environment of a training before anything runs.

data files (key, version, SHA-256) + code + parameters + seed + environment -> identity
identity known, and its version still there -> answer from the registry, train nothing
otherwise                                    -> request.json, data.manifest, the job's request
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

from tidegate.decoding import canonical_json
from tidegate.errors import DataError, RequestError
from tidegate.package import keys
from tidegate.package.inputs import digest_of_files
from tidegate.project import Param, Project
from tidegate.registry.book import Registry
from tidegate.registry.values import DataObject, Run, Version
from tidegate.training.house import House
from tidegate.training.orders import TrainOrder
from tidegate.training.release_choice import NO_RELEASE, ReleaseChoice, choose_release
from tidegate.training.request import TrainingRequest
from tidegate.training.sagemaker_job import job_name, job_request

DATA_SUFFIXES = (".csv", ".csv.gz")


@dataclass(frozen=True)
class Snapshot:
    """What the machine goes on with: a job to run, or the version that equal inputs made before."""

    order: TrainOrder
    job: Mapping[str, Any] | None  # the whole CreateTrainingJob request; None: reused
    version: int = 0
    status: str = ""
    choice: ReleaseChoice = NO_RELEASE

    def to_answer(self) -> dict[str, Any]:
        """Return the state that the machine passes on."""
        return {
            "model": self.order.model,
            "run": self.order.run,
            "reused": self.job is None,
            "released": self.status == "champion",
            "version": self.version,
            "status": self.status,
            "release": self.choice.release,
            "release_id": self.choice.release_id,
            **({} if self.job is None else {"job": dict(self.job)}),
        }


def take_snapshot(order: TrainOrder, house: House, at: datetime) -> Snapshot:
    """Fix the inputs of a training and record that it began.

    Raises `RequestError` on parameters that model.toml doesn't declare, `DataError` without data.
    """
    request, project = _request(order, house)
    name = job_name(house.settings.env, order.run)
    run = Run(
        order.model, order.run, "running", at, order.actor, order.reason, request.identity, name
    )
    begun = house.registry.start_run(run, at=at)
    made = _made_before(house, request)
    if made is not None:
        house.registry.finish_run(
            order.model, run=order.run, state="reused", at=at, version=made.number
        )
        under_way = house.registry.meta(order.model).serving.challenger == made.number
        wanted = order.release == "auto" and not under_way
        choice = choose_release(made, begun, wanted=wanted, automatic=project.release.automatic)
        return Snapshot(order, None, made.number, made.status, choice)
    _write(request, house)
    return Snapshot(order, job_request(request, project, settings=house.settings))


def _request(order: TrainOrder, house: House) -> tuple[TrainingRequest, Project]:
    code = house.catalog.code_digest(order.model)
    project = house.catalog.project(order.model)
    params = check_params(order.params, project)
    data = select_data(house.artifacts.list(keys.data_prefix(order.model)), order)
    champion = house.registry.champion(order.model)
    commit, dirty = _commit(house.registry, order.model)
    data_digest, seed = digest_of_files(data), project.training.seed
    identity = digest_of(data_digest, code, params, seed, toolchain_digest(), *_environment(house))
    request = TrainingRequest(
        model=order.model,
        run=order.run,
        params=params,
        seed=seed,
        data=data,
        data_digest=data_digest,
        code_digest=code,
        identity=identity,
        image=house.settings.training_image,
        parent=champion.number if champion else 0,
        git_commit=commit,
        git_dirty=dirty,
    )
    return request, project


def _environment(house: House) -> tuple[str, str]:
    """Return image and framework: both make the environment that a model comes from."""
    framework = PurePosixPath(house.settings.framework_uri).name  # named by its content
    return house.settings.training_image, framework


def check_params(params: Mapping[str, Param], project: Project) -> dict[str, Param]:
    """Return the parameters of a training: the declared ones, overridden; raise `RequestError`."""
    declared = project.training.params
    for name, value in params.items():
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise RequestError(f"[training.params] has no {name!r}; it declares: {known}")
        if not _fits(value, declared[name]):
            kind = type(declared[name]).__name__
            raise RequestError(f"parameter {name!r} is a {kind} in model.toml, not {value!r}")
    return {**declared, **{name: _as(value, declared[name]) for name, value in params.items()}}


def _fits(value: Param, declared: Param) -> bool:
    if isinstance(declared, float):
        return type(value) in (int, float)
    return type(value) is type(declared)


def _as(value: Param, declared: Param) -> Param:
    return float(value) if isinstance(declared, float) else value


def select_data(objects: Iterable[DataObject], order: TrainOrder) -> tuple[DataObject, ...]:
    """Return the data files of an order, by name; raise `DataError` saying how to push some.

    `data_until` is a rule on names: a file is read when its name sorts before it. Files named by
    their first day, `2013-02-16.csv.gz`, so stop before a date.
    """
    there = [item for item in objects if item.key.endswith(DATA_SUFFIXES)]
    chosen = [
        item
        for item in there
        if not order.data_until or PurePosixPath(item.key).name < order.data_until
    ]
    if not chosen:
        before = f" before {order.data_until}" if order.data_until and there else ""
        raise DataError(
            f"model {order.model!r} has no data files{before};"
            f" run: tidegate data push {order.model}"
        )
    return tuple(sorted(chosen, key=lambda item: item.key))


def digest_of(*parts: object) -> str:
    """Return the SHA-256 (hex) of the canonical JSON of the parts."""
    return hashlib.sha256(canonical_json(parts)).hexdigest()


def toolchain_digest() -> str:
    """Return the SHA-256 (hex) of the exporter's pins."""
    text = files("tidegate.training").joinpath("toolchain.txt").read_bytes()
    return hashlib.sha256(text).hexdigest()


def _commit(registry: Registry, model: str) -> tuple[str, bool]:
    """Return git commit and dirty flag of the push that brought the present code."""
    code = registry.pointer(model, "code")
    if code is None or not code.event:
        return "", False
    evidence = registry.event(model, code.event).evidence
    return str(evidence.get("git_commit", "")), bool(evidence.get("git_dirty", False))


def _made_before(house: House, request: TrainingRequest) -> Version | None:
    """Return the version that equal inputs made; the index only hints, the rows decide."""
    for hint in house.registry.runs_by_identity(request.model, request.identity):
        run = house.registry.run(request.model, hint.id)
        if run.state == "succeeded" and run.version and run.identity == request.identity:
            return house.registry.version(request.model, run.version)
    return None


def _write(request: TrainingRequest, house: House) -> None:
    store, model, run = house.artifacts, request.model, request.run
    manifest = [{"prefix": store.uri("")}, *(item.key for item in request.data)]
    # Overwritten, for the step may be retried; a run's objects have no other writer.
    store.put(keys.run_request(model, run), request.to_json(), overwrite=True)
    store.put(keys.run_data_manifest(model, run), canonical_json(manifest), overwrite=True)
