"""LitServe: a `LitAPI` that decodes, predicts and encodes; one worker, no batching."""

import os
import sys
from pathlib import Path
from typing import Any

import litserve

from tests.benchmarks.serving.limits import Limit


class Model(litserve.LitAPI):
    """Answers records."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - the base class's
        """Open the session in the worker."""
        self._limit = Limit(Path(os.environ["BENCH_PACKAGE"]))

    # LitServe takes annotations of these two for those of the HTTP endpoint.
    def decode_request(self, request):  # noqa: ANN001, ANN201
        """Convert the rows."""
        return self._limit.convert(request["records"])

    def predict(self, x: Any) -> Any:
        """Run the model."""
        return self._limit.scores(x)

    def encode_response(self, output):  # noqa: ANN001, ANN201
        """Answer P(positive) of each row."""
        return {"predictions": output[:, 1].tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Model(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
    )
