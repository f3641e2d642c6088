"""The local cloud: up -> (deploy, train, serve ...) -> down, with its data kept in between.

`up` installs what is missing, starts the server and waits until it answers; one that runs already
is returned. `down` lets the services write what they hold and ends every process that was started;
the next `up` finds tables, objects, functions, aliases, stacks and metrics again. Executions and
training jobs that were running at `down` do not survive it: they are ABORTED and Failed afterwards.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tidegate_cli.local import installation, journal, server
from tidegate_cli.local.errors import NotRunningError
from tidegate_cli.local.locking import locked
from tidegate_cli.local.state import Endpoint, Folder, Options, Status

__all__ = ["Endpoint", "Options", "Status", "down", "environment", "logs", "status", "up"]


def up(
    root: Path,
    *,
    port: int | None = None,
    options: Options | None = None,
    fresh: bool = False,
    progress: Callable[[str], None],
) -> Endpoint:
    """Start the local cloud of a checkout, or return the one that is running.

    `fresh` stops a running one, forgets its data and installs the emulator anew.
    """
    folder = Folder.of(root)
    folder.path.mkdir(parents=True, exist_ok=True)
    with locked(folder.lock):
        if fresh:
            _stop(folder)
            clear(root)
        running = folder.read()
        if running is not None and _alive(running):
            progress(f"the local cloud is up at {running.url}")
            return running
        _stop(folder)  # a server that is there but does not answer, or what one left behind
        installed = installation.install(folder.path, fresh=fresh, progress=progress)
        return _start(folder, installed, port, options or Options(), progress)


def down(root: Path) -> bool:
    """Stop the local cloud with all it started; return whether it was running."""
    folder = Folder.of(root)
    if not folder.path.is_dir():
        return False
    with locked(folder.lock):
        return _stop(folder)


def status(root: Path) -> Status:
    """Tell whether the local cloud runs and answers."""
    folder = Folder.of(root)
    endpoint = folder.read()
    running = endpoint is not None and bool(server.members(endpoint.pid))
    answers = running and endpoint is not None and server.healthy(endpoint.port)
    return Status(running, answers, endpoint if running else None, folder.path)


def environment(root: Path) -> dict[str, str]:
    """Give the AWS variables for clients of the running local cloud."""
    return _running(root).environment()


def logs(root: Path, *, follow: bool, lines: int, group: str | None = None) -> Iterator[str]:
    """Yield lines of the server's log, or of a CloudWatch log group of the local cloud."""
    if group is None:
        return journal.server_lines(Folder.of(root).log, follow=follow, lines=lines)
    return journal.group_lines(_running(root), group, follow=follow, lines=lines)


def clear(root: Path) -> None:
    """Forget everything the services of a stopped local cloud keep."""
    for path in Folder.of(root).data:
        shutil.rmtree(path, ignore_errors=True)


def _start(
    folder: Folder,
    installed: installation.Installation,
    port: int | None,
    options: Options,
    progress: Callable[[str], None],
) -> Endpoint:
    chosen = server.free_port(port or folder.former_port())
    progress(f"starting the local cloud on port {chosen}")
    pid = server.start(folder, installed, chosen, options)
    endpoint = Endpoint(chosen, pid, time.time(), installed.python, options)
    try:
        folder.write(endpoint)  # first: whatever interrupts us, `down` finds the server
        server.await_health(pid, chosen, folder.log)
    except BaseException:  # Ctrl-C included: what was started here is ended here
        _stop(folder)
        raise
    progress(f"the local cloud is up at {endpoint.url}")
    return endpoint


def _stop(folder: Folder) -> bool:
    endpoint = folder.read()
    ended = endpoint is not None and server.end(endpoint.pid)
    folder.forget()
    return ended


def _alive(endpoint: Endpoint) -> bool:
    return bool(server.members(endpoint.pid)) and server.healthy(endpoint.port)


def _running(root: Path) -> Endpoint:
    endpoint = Folder.of(root).read()
    if endpoint is None or not _alive(endpoint):
        raise NotRunningError("the local cloud is not running; start it with `tidegate local up`")
    return endpoint
