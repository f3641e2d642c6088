"""What must hold of the serving function whatever arrives: one input, one answer, judged.

An input's first byte says how the rest reaches the function, so that one corpus covers every door.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from tests.fakes.package import package, unpack
from tests.fakes.served import FakeContext, event
from tests.functions.test_endpoint import SETTINGS
from tidegate.serving import endpoint
from tidegate.serving.protocols.lengths import LONG

PREDICT, INFER = "/models/ferry-delay/predict", "/models/ferry-delay/v2/models/ferry-delay/infer"
REFUSALS = {400, 404, 405, 406, 413, 415, 422}
OCTETS = "application/octet-stream"
DOORS = 10
TEXT, HALF_TEXT, BASE64, FALSE_BASE64, GZIP, GZIPPED, INFER_TEXT, INFER_BINARY = range(8)
LONG_TEXT, LONG_INFER = 8, 9  # made long by spaces, for the readers of long bodies
# How bytes become text: what is no UTF-8 is replaced, or handed on as half characters.
TEXTS = {
    TEXT: "replace",
    HALF_TEXT: "surrogateescape",
    FALSE_BASE64: "replace",
    INFER_TEXT: "replace",
    LONG_TEXT: "replace",
    LONG_INFER: "replace",
}


@contextlib.contextmanager
def served() -> Iterator[None]:
    """Serve a small model in this process."""
    kept = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        unpack(package(), Path(folder))
        os.environ.update(replace(SETTINGS, package_dir=folder).to_env())
        endpoint._opened.clear()
        try:
            yield
        finally:
            endpoint._opened.clear()
            os.environ.clear()
            os.environ.update(kept)


def corpus() -> dict[str, bytes]:
    """Return the inputs that were worth keeping, by name; the file writes a byte as a character."""
    texts = json.loads(Path(__file__).with_name("corpus.json").read_text(encoding="utf-8"))
    return {name: text.encode("latin-1") for name, text in texts.items()}


def check(data: bytes) -> None:
    """Send an input to the served model; raise `AssertionError` when a promise is broken."""
    asked = event_of(data)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        answer = endpoint.handle(asked, FakeContext())
    status, body = answer["statusCode"], _body(answer)
    assert status in REFUSALS | {200}, f"status {status}: {body[:300]!r}: {printed.getvalue()}"
    if not answer["isBase64Encoded"]:
        content = strict_json(body)
        if status == 200 and asked["rawPath"] == PREDICT:
            _check_predictions(content, asked)
    assert '"kind": "error"' not in printed.getvalue(), printed.getvalue()
    for secret in ("Traceback", os.environ["TIDEGATE_PACKAGE_DIR"], ".py"):
        assert secret not in body.decode("latin-1"), body[:300]


def event_of(data: bytes) -> dict[str, Any]:
    """Return the event that an input stands for."""
    door, rest = (data[0] % DOORS if data else 0), data[1:]
    if door in TEXTS:
        path = INFER if door in (INFER_TEXT, LONG_INFER) else PREDICT
        text = rest.decode("utf-8", TEXTS[door])
        if door in (LONG_TEXT, LONG_INFER):
            text += " " * LONG
        return _event(text, path=path, binary=door == FALSE_BASE64)
    if door == INFER_BINARY:
        length = str(int.from_bytes(rest[:2]) % 600)
        headers = {"inference-header-content-length": length, "content-type": OCTETS}
        return _event(_packed(rest[2:]), path=INFER, binary=True, headers=headers)
    if door == GZIPPED:
        rest = gzip.compress(rest, compresslevel=1, mtime=0)
    headers = {} if door == BASE64 else {"content-encoding": "gzip"}
    return _event(_packed(rest), binary=True, headers=headers)


def strict_json(body: bytes) -> Any:
    """Parse; raise `AssertionError` on what only lenient readers take."""

    def refuse(name: str) -> NoReturn:
        raise AssertionError(f"{name} in {body[:300]!r}")

    return json.loads(body.decode(), parse_constant=refuse)


def _event(
    body: str, *, path: str = PREDICT, binary: bool = False, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    found = {"content-type": "application/json"} | (headers or {})
    return event(body) | {"rawPath": path, "isBase64Encoded": binary, "headers": found}


def _check_predictions(content: Any, asked: dict[str, Any]) -> None:
    """Nothing is answered that the strictest reader would refuse, and no row is lost."""
    sent = asked["body"]
    data = base64.b64decode(sent, validate=True) if asked["isBase64Encoded"] else sent.encode()
    if asked["headers"].get("content-encoding") == "gzip":
        data = gzip.decompress(data)
    question = json.loads(data.decode(), object_pairs_hook=_unique)
    rows = question.get("records")
    columns = question.get("columns", {})
    expected = len(rows) if rows is not None else len(columns["wind"])
    assert len(content["predictions"]) == expected


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), f"a repeated key was answered: {pairs!r:.300}"
    return found


def _body(answer: dict[str, Any]) -> bytes:
    body: str = answer["body"]
    return base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode()
