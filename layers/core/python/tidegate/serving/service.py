"""The endpoint of one model: route -> predict, or tell of it. 503 until something was released."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from os.path import isfile, join
from typing import TYPE_CHECKING

from tidegate.errors import NoReleaseError, NotFoundError, PackageError, TidegateError
from tidegate.frozen import frozen
from tidegate.package.archive import Package, read_folder
from tidegate.package.manifest import MANIFEST
from tidegate.scoring.onnx_session import OnnxSession, threads_for
from tidegate.serving.answers import Answer, refusal, success
from tidegate.serving.counting import OpenWindow
from tidegate.serving.predictor import OPEN_INFERENCE, OWN, Outcome, Predictor
from tidegate.serving.protocols.negotiation import accepted
from tidegate.serving.requests import HttpRequest
from tidegate.serving.sampling import Sampler
from tidegate.serving.served import Served, flush_rows, flush_seconds, sample_share
from tidegate.serving.warming import warm_up
from tidegate.settings import Settings

if TYPE_CHECKING:  # a cold start spares it; see `Predictor`
    from os import PathLike

    from tidegate.serving.protocols.open_inference_metadata import Place
    from tidegate.serving.weights import ModelSource

    OpenSource = Callable[[Settings], ModelSource]


KNOWN_ROUTES = 8  # whose protocol is remembered; a client has one


@frozen
class Service:
    """What a container keeps between requests; `fault` is why there is no predictor."""

    env: str
    model: str
    served: Served | None = None
    predictor: Predictor | None = None
    fault: TidegateError | None = None
    window: OpenWindow | None = None  # None before the first release: there is nothing to judge

    def answer(self, request: HttpRequest, *, id: str, at: float) -> Outcome:
        """Answer a request that came `at` so many seconds after 1970.

        Raises a `TidegateError` whose status says what is wrong.
        """
        method, _, model, _, _, headers, route, _ = request
        if model not in ("", self.model):
            raise NotFoundError(f"this endpoint serves {self.model!r} only")
        if method == "POST":
            protocol = self._spoken.get(route) or self._protocol(request)
            predictor = self.predictor or self._ready()
            body = request.content(limit=predictor.max_bytes)
            return predictor.predict(body, id=id, at=at, protocol=protocol, headers=headers)
        if method != "GET":
            raise NotFoundError("there are GET and POST only")
        if route == "":
            return self._health()
        told = self._openapi if route == "openapi.json" else self._told(route)
        encodings = headers.get("accept-encoding")
        return Outcome(told if encodings is None else accepted(told, encodings))

    @cached_property
    def _spoken(self) -> dict[str, str]:
        """Protocols by the first routes that were asked for."""
        return {"predict": OWN}

    def _protocol(self, request: HttpRequest) -> str:
        if not request.path:
            return OWN
        from tidegate.serving.protocols.open_inference_metadata import place

        asked = place(request.route)
        if asked.verb != "infer":
            raise NotFoundError("there is no POST here, only GET")
        self._check(asked)
        if len(self._spoken) < KNOWN_ROUTES:  # a path may end in any number of slashes
            self._spoken[request.route] = OPEN_INFERENCE
        return OPEN_INFERENCE

    def _told(self, route: str) -> Answer:
        """Answer the paths of the Open Inference Protocol that tell of server and model."""
        from tidegate.serving.protocols.open_inference_metadata import (
            model_metadata,
            place,
            server_metadata,
        )

        asked = place(route)
        if asked.verb == "live":
            return success({"live": True})
        if asked.verb == "server":
            return success(server_metadata(self.served.release if self.served else ""))
        contract = self._ready().contract
        self._check(asked)
        if asked.verb == "ready":
            return success({"name": asked.model, "ready": True} if asked.model else {"ready": True})
        if asked.verb == "infer" or self.served is None:
            raise NotFoundError("there is no GET here, only POST")
        return success(model_metadata(contract, self.served))

    def _check(self, asked: Place) -> None:
        """Raise `NotFoundError` for another model or version than the one that is served here."""
        if asked.model not in ("", self.model):
            raise NotFoundError(f"this endpoint serves {self.model!r} only")
        if asked.version and self.served and asked.version != str(self.served.version):
            raise NotFoundError(f"this endpoint serves version {self.served.version} here")

    @cached_property
    def _openapi(self) -> Answer:
        from tidegate.serving.openapi import document  # seldom asked for

        contract = self._ready().contract
        return success(document(contract, version=self.served.version if self.served else 0))

    def _ready(self) -> Predictor:
        if self.predictor is None:
            raise self.fault or _unreleased(self.model)
        return self.predictor

    def _health(self) -> Outcome:
        version, release = (self.served.version, self.served.release) if self.served else (0, "")
        about: dict[str, str | int] = {
            "model": self.model,
            "version": version,
            "release": release,
        }
        if self.predictor is None:
            return Outcome(refusal(self.fault or _unreleased(self.model), **about, ready=False))
        return Outcome(success({**about, "ready": True}))


def open_service(
    settings: Settings, folder: str | PathLike[str], *, open_source: OpenSource, memory_mb: int = 0
) -> Service:
    """Load the package in `folder`; a folder without one is an endpoint without a release.

    A package that can't be used is kept as the service's fault, so that it is counted and judged.
    `open_source` gives access to a model that lies apart from its package, and isn't called for any
    other; `memory_mb` is the function's. Raises `SettingsError` when the environment is incomplete,
    `ModelUnavailableError` when that model can't be fetched now.
    """
    if not isfile(join(folder, MANIFEST)):
        return Service(settings.env, settings.model)
    served = Served.of(settings)
    try:
        package = read_folder(folder)
        if package.contract.model != served.model:
            raise PackageError("the package is of another model")
        predictor = Predictor(
            package.contract,
            OnnxSession(_model(package, settings, open_source), threads=threads_for(memory_mb)),
            served=served,
            receipt_key=settings.receipt_key,
        )
        warm_up(predictor, package.golden)
    except PackageError as error:
        window = OpenWindow(served, None, flush_seconds=flush_seconds(settings))
        return Service(settings.env, served.model, served, None, error, window)
    window = _window(settings, served, package)
    return Service(settings.env, served.model, served, predictor, None, window)


def unloaded(settings: Settings) -> Service:
    """Return what counts requests in place of a service that can't be opened now.

    Each is told at once: nobody knows whether another one comes. Raises `SettingsError`.
    """
    served = Served.of(settings)
    window = OpenWindow(served, None, flush_seconds=0.0)
    return Service(settings.env, served.model, served, None, None, window)


def _window(settings: Settings, served: Served, package: Package) -> OpenWindow:
    share, contract = sample_share(settings), package.contract
    return OpenWindow(
        served,
        package.reference,
        contract=contract,
        flush_rows=flush_rows(settings),
        flush_seconds=flush_seconds(settings),
        sampler=Sampler(contract, served, share=share) if share else None,
    )


def _model(package: Package, settings: Settings, open_source: OpenSource) -> bytes:
    """Return the model's bytes, fetched if they lie apart from the package."""
    if package.pointer is None:
        return package.model
    from pathlib import Path
    from tempfile import gettempdir

    from tidegate.package.whole import model_key
    from tidegate.serving.weights import fetch_model

    key = model_key(package, package.pointer)
    folder, source = Path(gettempdir()), open_source(settings)
    return fetch_model(key, package.pointer, folder=folder, source=source).read_bytes()


def _unreleased(model: str) -> NoReleaseError:
    return NoReleaseError(f"no version of model {model} has been released yet")
