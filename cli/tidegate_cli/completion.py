"""What the shell offers at Tab: models, versions, environments; nothing when none are known."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from botocore.exceptions import BotoCoreError, ClientError

from tidegate.errors import TidegateError
from tidegate_cli.checkout import environment_names, find_root
from tidegate_cli.faults import CommandError
from tidegate_cli.local.errors import LocalCloudError

UNKNOWN = (TidegateError, CommandError, LocalCloudError, ClientError, BotoCoreError, OSError)


def models(incomplete: str) -> list[str]:
    """Offer the models of the checkout."""
    return _matching(incomplete, _models)


def versions(incomplete: str) -> list[str]:
    """Offer `model@` until the model is typed, then its versions from the registry."""
    name, at, _ = incomplete.partition("@")
    if not at:
        return [f"{model}@" for model in models(name)]
    return _matching(incomplete, lambda: _versions(name))


def environments(incomplete: str) -> list[str]:
    """Offer the environments of cdk.json."""
    return _matching(incomplete, lambda: list(environment_names(find_root())))


def _models() -> list[str]:
    from tidegate.project_file import discover
    from tidegate_cli.model_folder import model_name, models_dir

    return [model_name(folder) for folder in discover(models_dir(find_root()))]


def _versions(model: str) -> list[str]:
    from tidegate_cli.cloud import connect

    cloud = connect(find_root(), os.environ.get("TIDEGATE_ENV") or "local")
    return [f"{model}@{version.number}" for version in cloud.registry.versions(model)]


def _matching(incomplete: str, names: Callable[[], list[str]]) -> list[str]:
    with suppress(*UNKNOWN):
        return [name for name in names() if name.startswith(incomplete)]
    return []
