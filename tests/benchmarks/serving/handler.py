"""The handler under test: the endpoint of one unpacked package, as Lambda calls it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tidegate.settings import Settings


class Context(NamedTuple):
    """What the handler reads of Lambda's context."""

    aws_request_id: str = "0f9e8d7c-1111-2222-3333-444455556666"


def environment(folder: Path) -> dict[str, str]:
    """Return the environment variables of a function that serves the package in `folder`."""
    contract = json.loads((folder / "contract.json").read_bytes())
    return Settings(
        env="local",
        account="000000000000",
        region="us-east-1",
        component="serving",
        model=contract["model"],
        version="1",
        release="r-1",
        receipt_key="a key that only this benchmark knows",
        package_dir=str(folder),
    ).to_env()


def scores(answer: Mapping[str, Any]) -> list[float]:
    """Return P(positive) of each row as the handler answered, in our JSON or in V2."""
    if answer["statusCode"] != 200:
        raise RuntimeError(f"the handler answered {answer['statusCode']}: {answer['body'][:300]}")
    content = json.loads(answer["body"])
    if "predictions" in content:
        return [row["score"] for row in content["predictions"]]
    return next(out["data"] for out in content["outputs"] if out["name"] == "score")
