"""The endpoint of one model: route -> predict or health. Says 503 until something was released."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tidegate.errors import NoReleaseError, NotFoundError, PackageError, TidegateError
from tidegate.package.archive import read_folder
from tidegate.package.manifest import MANIFEST
from tidegate.scoring.onnx_session import OnnxSession
from tidegate.serving.answers import refusal, success
from tidegate.serving.counting import OpenWindow
from tidegate.serving.predictor import OWN, Outcome, Predictor
from tidegate.serving.requests import HttpRequest
from tidegate.serving.served import Served, flush_seconds
from tidegate.settings import Settings


@dataclass(frozen=True)
class Service:
    """What a container keeps between requests; `fault` is why there is no predictor."""

    env: str
    model: str
    served: Served | None = None
    predictor: Predictor | None = None
    fault: TidegateError | None = None
    window: OpenWindow | None = None  # None before the first release: there is nothing to judge
    flush_seconds: float = 60.0

    def answer(self, request: HttpRequest, *, id: str, at: datetime) -> Outcome:
        """Answer a request; raise a `TidegateError` whose status says what is wrong."""
        if request.model not in ("", self.model):
            raise NotFoundError(f"this endpoint serves {self.model!r} only")
        if request.method == "GET":
            return self._health()
        if request.method != "POST" or not (request.path or "/predict").endswith("/predict"):
            raise NotFoundError("there is POST /models/{name}/predict and GET /models/{name}")
        predictor = self._ready()
        body = request.content(limit=predictor.max_bytes)
        return predictor.predict(body, id=id, at=at, protocol=OWN, headers=request.headers)

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


def open_service(settings: Settings, folder: Path) -> Service:
    """Load the package in `folder`; a folder without one is an endpoint without a release.

    A package that can't be used is kept as the service's fault, so that it is counted and judged.
    Raises `SettingsError` when the environment is incomplete.
    """
    if not (folder / MANIFEST).is_file():
        return Service(settings.env, settings.model)
    served, seconds = Served.of(settings), flush_seconds(settings)
    try:
        package = read_folder(folder)
        if package.contract.model != served.model:
            raise PackageError("the package is of another model")
        predictor = Predictor(
            package.contract,
            OnnxSession(package.model),
            served=served,
            receipt_key=settings.receipt_key,
        )
    except PackageError as error:
        window = OpenWindow(served, None)
        return Service(settings.env, served.model, served, None, error, window, seconds)
    window = OpenWindow(served, package.reference, columns=package.contract.column_names)
    return Service(settings.env, served.model, served, predictor, None, window, seconds)


def _unreleased(model: str) -> NoReleaseError:
    return NoReleaseError(f"no version of model {model} has been released yet")
