"""Environments of the peers: each is installed from its own pinned requirements, once."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks import environments

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".tidegate" / "bench" / "serving"
PEERS = Path(__file__).with_name("peers")
NAMES = ("asgi", "mlflow", "bentoml", "ray", "litserve")


def install(name: str) -> Path:
    """Install one of `NAMES`, unless it is there; return its interpreter."""
    return environments.install(PEERS / name / "requirements.txt", FOLDER / "peers" / name)
