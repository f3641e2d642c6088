"""Start the emulator with the extension in it: check seams -> patch -> serve until a signal."""

import asyncio
import logging
import os
import signal
import sys
from typing import Any

from . import (
    actions,
    alarms,
    aliases,
    conditions,
    functions,
    gateway,
    logs,
    maps,
    provisioners,
    schedules,
    seams,
    states,
    tables,
    targets,
)
from .sagemaker import service as sagemaker
from .settings import Settings


def main() -> int:
    """Serve; return 78 (a configuration error) when the emulator is not the one we know."""
    settings = Settings.take(os.environ)
    try:
        install(settings)
    except seams.SeamError as error:
        print(f"local cloud: {error}", file=sys.stderr)
        return 78
    asyncio.run(serve(settings))
    return 0


def install(settings: Settings) -> None:
    """Put every capability in place; nothing is patched unless every seam is there."""
    seams.check()
    aliases.install()
    functions.install(settings)
    logs.install()
    alarms.install(settings.time_scale)
    targets.install()
    schedules.install(settings.time_scale)
    states.install()
    maps.install()
    provisioners.install()
    tables.install()
    actions.install()
    conditions.install()
    gateway.install()
    sagemaker.install(settings)
    restore = seams.load("ministack.app")._load_persisted_state

    def restore_state() -> None:
        restore()
        states.abandon_executions()

    seams.replace("ministack.app", "_load_persisted_state", restore_state)


async def serve(settings: Settings) -> None:
    """Listen on the loopback address until a signal; then the services write their state."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    config = seams.load("hypercorn.config").Config()
    config.bind = [f"127.0.0.1:{settings.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.loglevel = "WARNING"
    serve_app = seams.load("hypercorn.asyncio").serve
    await serve_app(_emulator(), config, shutdown_trigger=stop.wait)
    seams.load("ministack.core.lambda_runtime").reset()


def _emulator() -> Any:
    for name in ("hypercorn.access", "lambda"):  # a line per request, a copy of every log
        logging.getLogger(name).setLevel(logging.WARNING)
    return seams.load("ministack.app").app


if __name__ == "__main__":
    sys.exit(main())
