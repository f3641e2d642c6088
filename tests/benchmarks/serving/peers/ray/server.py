"""Ray Serve: one replica behind its HTTP proxy."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from tests.benchmarks.serving.limits import Limit


@serve.deployment(num_replicas=1, max_ongoing_requests=100)
class Model:
    """Answers records."""

    def __init__(self, folder: str) -> None:
        self._limit = Limit(Path(folder))

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Convert, run, answer P(positive) of each row."""
        rows = (await request.json())["records"]
        scores = self._limit.scores(self._limit.convert(rows))
        return {"predictions": scores[:, 1].tolist()}


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(sys.argv[1])},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )
    serve.run(Model.bind(os.environ["BENCH_PACKAGE"]), route_prefix="/predict")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
