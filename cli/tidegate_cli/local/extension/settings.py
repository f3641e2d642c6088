"""Settings: what the command line tells the server, read once from the environment and then hidden.

A Lambda worker or a training job must not find the server's own variables in its environment.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Folders, port and scale of one local cloud.

    `runtime` plays the part of the site-packages that AWS Lambda itself ships.
    """

    root: Path
    port: int
    time_scale: float = 1.0
    workers_per_function: int = 2
    runtime: Path = Path()
    uv_folder: str = ""

    @property
    def unpacked(self) -> Path:
        """Give the folder of extracted code and layers, by content."""
        return self.root / "unpacked"

    @property
    def training(self) -> Path:
        """Give the folder of training jobs."""
        return self.root / "training"

    @property
    def environments(self) -> Path:
        """Give the cache of training environments, kept beside the cloud and not inside it."""
        return self.root.parent / "environments"

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> "Settings":
        """Read the settings and remove them from `environ`."""
        root = Path(environ.pop("TIDEGATE_CLOUD_STATE"))
        scale = float(environ.pop("TIDEGATE_TIME_SCALE", "1"))
        workers = int(environ.pop("TIDEGATE_WORKERS_PER_FUNCTION", "2"))
        for name in ("PYTHONPATH", "VIRTUAL_ENV"):
            environ.pop(name, None)
        if not 0 < scale <= 1:
            raise ValueError(f"TIDEGATE_TIME_SCALE must be in (0, 1], not {scale}")
        return cls(
            root=root,
            port=int(environ["GATEWAY_PORT"]),
            time_scale=scale,
            workers_per_function=max(1, workers),
            runtime=Path(environ.pop("TIDEGATE_LAMBDA_RUNTIME")),
            uv_folder=environ.pop("TIDEGATE_UV_FOLDER", ""),
        )
