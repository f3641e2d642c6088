"""The local cloud comes up, stays, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_cloud.driver import Driver, eventually
from tidegate_cli.local import cloud, interpreter, server
from tidegate_cli.local.errors import NotRunningError
from tidegate_cli.local.state import Endpoint, Folder

pytestmark = pytest.mark.local


def quiet(_line: str) -> None:
    pass


@pytest.fixture
def root(installation: None, tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    cloud.down(tmp_path)


def test_a_taken_port_makes_it_choose_another_and_up_is_idempotent(root: Path) -> None:
    leave_stale_state(root)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        first = cloud.up(root, port=port, progress=quiet)
    assert first.port != port
    assert cloud.up(root, progress=quiet) == first
    assert cloud.status(root).to_dict() == {
        "running": True,
        "healthy": True,
        "folder": str(Folder.of(root).path),
        "url": f"http://127.0.0.1:{first.port}",
        "port": first.port,
        "pid": first.pid,
        "started": first.started,
        "python": first.python,
        "options": {"time_scale": 1.0, "wait_scale": 1.0, "workers_per_function": 2},
    }
    assert cloud.environment(root)["AWS_ENDPOINT_URL"] == first.url


def test_down_keeps_the_data_and_leaves_no_process(root: Path) -> None:
    first = Driver(cloud.up(root, port=server.free_port(0), progress=quiet))
    first.function("sleeper", "def handler(event, context): return 'here'")
    assert first.invoke("sleeper")["Payload"] == "here"
    assert len(server.members(first.endpoint.pid)) == 2  # the server and its worker
    assert cloud.down(root)
    assert server.members(first.endpoint.pid) == []
    assert not cloud.down(root)
    second = Driver(cloud.up(root, progress=quiet))
    assert second.endpoint.port == first.endpoint.port
    assert second.invoke("sleeper")["Payload"] == "here"


def test_down_ends_workers_of_a_server_that_was_killed(root: Path) -> None:
    driver = Driver(cloud.up(root, port=server.free_port(0), progress=quiet))
    code = "import subprocess\ndef handler(event, context): subprocess.Popen(['sleep', '300'])"
    driver.function("parent", code)
    driver.invoke("parent")
    os.kill(driver.endpoint.pid, signal.SIGKILL)
    assert eventually(lambda: not server.healthy(driver.endpoint.port))
    assert server.members(driver.endpoint.pid)
    assert cloud.down(root)
    assert server.members(driver.endpoint.pid) == []


def test_a_stale_pid_is_not_taken_for_a_running_cloud(root: Path) -> None:
    leave_stale_state(root)
    assert not cloud.status(root).running
    assert not cloud.down(root)
    with pytest.raises(NotRunningError, match="tidegate local up"):
        cloud.environment(root)


def leave_stale_state(root: Path) -> None:
    """Write the state of a server that is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    folder = Folder.of(root)
    folder.path.mkdir(parents=True)
    folder.write(Endpoint(port=1, pid=gone.pid, started=0.0, python="3.13"))


def test_it_listens_on_the_loopback_address_only(driver: Driver) -> None:
    hosts = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for host in hosts - {"127.0.0.1", "127.0.1.1", "::1"}:
        family = socket.AF_INET6 if ":" in str(host) else socket.AF_INET
        with socket.socket(family) as probe, pytest.raises(OSError, match="refused"):
            probe.connect((host, driver.endpoint.port))


def test_an_interpreter_that_does_not_run_is_no_candidate(tmp_path: Path) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert interpreter.probe(shim) is None
    assert interpreter.probe(Path(sys.executable)) is not None


def test_logs_of_the_server_and_of_a_function(
    driver: Driver, root_of_driver: Path, name: str
) -> None:
    driver.function(name, "def handler(event, context): print('a fact')")
    driver.invoke(name)
    assert any("Ready" in line for line in cloud.logs(root_of_driver, follow=False, lines=1000))
    lines = list(cloud.logs(root_of_driver, follow=False, lines=10, group=f"/aws/lambda/{name}"))
    assert any(line.endswith(" a fact") for line in lines)
