"""PinnedLayer: a Lambda layer built from a lock, named by the digest of what decides its bytes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.bundling import ROOT, Target, cached_layer, layer_digest
from stacks.stage import StageSettings

_ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


class PinnedLayer(lambda_.LayerVersion):
    """The layer `name` of `layers/`, for the architecture and Python version of a stage."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, stage: StageSettings
    ) -> None:
        target = target_of(stage)
        super().__init__(
            scope,
            construct_id,
            code=lambda_.Code.from_asset(
                str(ROOT / "layers" / name),
                asset_hash=layer_digest(name, target=target),
                asset_hash_type=AssetHashType.CUSTOM,
                bundling=BundlingOptions(image=_NO_IMAGE, local=_Cached(name, target)),
            ),
            description=f"Tidegate {name}",
            compatible_architectures=[_ARCHITECTURES[stage.architecture]],
            compatible_runtimes=[lambda_.Runtime(f"python{stage.python}")],
        )


def target_of(stage: StageSettings) -> Target:
    """Return where the layers of a stage will run; the local cloud runs them on this machine."""
    return Target(stage.architecture, stage.python, host=stage.is_local)


_NO_IMAGE = DockerImage.from_registry("docker-is-not-used")


@jsii.implements(ILocalBundling)
class _Cached:
    """Bundling without Docker: CDK asks for the content, the cache gives it."""

    def __init__(self, name: str, target: Target) -> None:
        self._name = name
        self._target = target

    def try_bundle(self, output_dir: str, *, image: DockerImage, **_: object) -> bool:  # noqa: ARG002 - named so that jsii spreads the options
        """Fill `output_dir`; an error ends the synthesis, there is no second way to build."""
        finished = cached_layer(self._name, target=self._target)
        shutil.copytree(finished, output_dir, dirs_exist_ok=True, copy_function=_link_or_copy)
        return True


def _link_or_copy(source: str, destination: str) -> None:
    """Spare the disk: the layers of four environments are hundreds of megabytes."""
    try:
        os.link(source, destination)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, Path(destination))
