"""FastAPI, tuned: the raw body, orjson, a ready response, no model of request or answer."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI, Request, Response

from tests.benchmarks.serving.limits import Limit

app = FastAPI(openapi_url=None)
_LIMIT = Limit(Path(os.environ["BENCH_PACKAGE"]))


@app.post("/predict", response_model=None)
async def predict(request: Request) -> Response:
    """Answer records; nothing is validated."""
    return Response(_LIMIT.answer(await request.body()), media_type="application/json")
