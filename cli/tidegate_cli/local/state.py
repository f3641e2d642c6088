"""State: what is known of a local cloud, on disk under `.tidegate/cloud/`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ACCOUNT = "000000000000"
REGION = "us-east-1"


@dataclass(frozen=True)
class Options:
    """How fast the local cloud's time runs, and how many workers a function may have."""

    time_scale: float = 1.0
    wait_scale: float = 1.0
    workers_per_function: int = 2


@dataclass(frozen=True)
class Endpoint:
    """A running local cloud."""

    port: int
    pid: int
    started: float
    python: str
    options: Options = Options()

    @property
    def url(self) -> str:
        """Give the address: by IP, so that every SDK uses path-style S3."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Give the variables that point the AWS SDKs, the AWS CLI and the CDK at this cloud."""
        return {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "test",  # the emulator's fixed root key, no secret
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
        }


@dataclass(frozen=True)
class Status:
    """Whether a local cloud runs, and where; `pid` may be set for one that does not answer."""

    running: bool
    healthy: bool
    endpoint: Endpoint | None
    folder: Path

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for `--json`."""
        endpoint = self.endpoint
        known = {**asdict(endpoint), "url": endpoint.url} if endpoint else {}
        return {
            "running": self.running,
            "healthy": self.healthy,
            "folder": str(self.folder),
            **known,
        }


@dataclass(frozen=True)
class Folder:
    """The files of one local cloud."""

    path: Path

    @classmethod
    def of(cls, root: Path) -> "Folder":
        """Name the folder of the local cloud of a checkout."""
        return cls(root.resolve() / ".tidegate" / "cloud")

    @property
    def state(self) -> Path:
        """Give the file that says what runs."""
        return self.path / "state.json"

    @property
    def log(self) -> Path:
        """Give the server's log."""
        return self.path / "server.log"

    @property
    def last_port(self) -> Path:
        """Give the file that remembers the port across `down`."""
        return self.path / "port"

    @property
    def lock(self) -> Path:
        """Give the file two commands starting at once meet at."""
        return self.path / "lock"

    @property
    def data(self) -> tuple[Path, ...]:
        """List what the services of the emulator keep."""
        return tuple(self.path / name for name in ("services", "s3", "training", "unpacked"))

    def read(self) -> Endpoint | None:
        """Return what was started last, or None when nothing was or the file is damaged."""
        try:
            found = json.loads(self.state.read_text())
            return Endpoint(**{**found, "options": Options(**found["options"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, endpoint: Endpoint) -> None:
        """Record a started server."""
        partial = self.state.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(endpoint), indent=1) + "\n")
        partial.replace(self.state)

    def forget(self) -> None:
        """Drop the record of a server that is gone, but for its port."""
        endpoint = self.read()
        if endpoint is not None:
            self.last_port.write_text(f"{endpoint.port}\n")
        self.state.unlink(missing_ok=True)

    def former_port(self) -> int | None:
        """Return the last port: what was deployed names it in URLs, so it is the first choice."""
        try:
            return int(self.last_port.read_text())
        except (OSError, ValueError):
            return None
