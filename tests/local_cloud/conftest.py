"""One private local cloud for the session, with an emulator installed once per checkout."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.local_cloud.driver import Driver
from tidegate_cli.local import cloud, server
from tidegate_cli.local.state import Options

# an hour takes 1.8 s, a bake of a minute 0.6 s
FAST = Options(time_scale=0.0005, wait_scale=0.01)
_numbers = count()


@pytest.fixture(scope="session")
def installation() -> Iterator[None]:
    """Share one installed emulator among every cloud of the tests."""
    before = os.environ.get("TIDEGATE_CLOUD_VENV")
    if before is None:
        root = Path(__file__).resolve().parents[2]
        os.environ["TIDEGATE_CLOUD_VENV"] = str(root / ".tidegate" / "test-cloud-venv")
    yield
    if before is None:
        del os.environ["TIDEGATE_CLOUD_VENV"]


@pytest.fixture(scope="session")
def root_of_driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="session")
def driver(installation: None, root_of_driver: Path) -> Iterator[Driver]:
    endpoint = cloud.up(
        root_of_driver, port=server.free_port(0), options=FAST, progress=lambda _: None
    )
    yield Driver(endpoint)
    cloud.down(root_of_driver)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Give a name that no other test uses."""
    return f"t{next(_numbers)}-{request.node.originalname[5:35].strip('_').replace('_', '-')}"
