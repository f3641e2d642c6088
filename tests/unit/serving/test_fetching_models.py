"""A large model on its way to /tmp: hashed, kept, gone on with, and never used unless right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests.fakes.onnx_models import model_of
from tests.fakes.package import package, unpack
from tests.fakes.packages import model_apart, package_bytes
from tests.functions.test_endpoint import SETTINGS
from tidegate.errors import DigestMismatchError, ModelUnavailableError, PackageError
from tidegate.package.archive import open_package
from tidegate.package.bounded import BoundedSession
from tidegate.package.pointer import ModelPointer
from tidegate.package.whole import model_key
from tidegate.serving.service import Service, open_service
from tidegate.serving.weights import fetch_model

KEY = "packages/ferry-delay/of-a-package/model.onnx"
MODEL = bytes(range(256)) * 40
POINTER = ModelPointer(hashlib.sha256(MODEL).hexdigest(), len(MODEL))


class FakeSource:
    """Streams bytes in pieces; `breaks_after` bytes the connection is lost, once."""

    def __init__(self, data: bytes = MODEL, *, breaks_after: int | None = None) -> None:
        self.data, self.breaks_after = data, breaks_after
        self.starts: list[int] = []
        self.keys: set[str] = set()

    def stream(self, key: str, *, start: int) -> Iterator[bytes]:
        self.starts.append(start)
        self.keys.add(key)
        end, self.breaks_after = self.breaks_after, None
        data = self.data[start:end]
        for first in range(0, len(data), 1000):
            yield data[first : first + 1000]
        if end is not None:
            raise ModelUnavailableError(f"{key}: connection lost")


def fetch(folder: Path, source: FakeSource, pointer: ModelPointer = POINTER) -> bytes:
    return fetch_model(KEY, pointer, folder=folder, source=source).read_bytes()


def test_a_model_is_streamed_once_and_kept(tmp_path: Path) -> None:
    source = FakeSource()
    assert fetch(tmp_path, source) == MODEL
    assert fetch(tmp_path, source) == MODEL
    assert (source.starts, source.keys) == ([0], {KEY})
    assert [path.name for path in tmp_path.iterdir()] == [f"{POINTER.sha256}.onnx"]


def test_what_was_streamed_before_the_connection_was_lost_is_not_streamed_again(
    tmp_path: Path,
) -> None:
    source = FakeSource(breaks_after=4321)
    with pytest.raises(ModelUnavailableError, match="connection lost"):
        fetch(tmp_path, source)
    assert fetch(tmp_path, source) == MODEL
    assert source.starts == [0, 4321]


def test_a_stream_that_ends_early_is_no_model_yet(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"ended after 5,000 of 10,240 bytes"):
        fetch(tmp_path, FakeSource(MODEL[:5000]))
    source = FakeSource()
    assert fetch(tmp_path, source) == MODEL
    assert source.starts == [5000]


def test_a_start_that_ended_between_the_last_byte_and_the_rename_streams_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / f"{POINTER.sha256}.part").write_bytes(MODEL)
    source = FakeSource()
    assert fetch(tmp_path, source) == MODEL
    assert source.starts == []


@pytest.mark.parametrize(
    "other", [MODEL[:-1] + b"!", MODEL + b"!", b"!" + MODEL[1:]], ids=["end", "longer", "begin"]
)
def test_other_bytes_are_refused_and_not_kept(tmp_path: Path, other: bytes) -> None:
    with pytest.raises(DigestMismatchError, match=f"{KEY}: its bytes are not those"):
        fetch(tmp_path, FakeSource(other))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", [b"!" * 50, MODEL + b"!"], ids=["wrong", "too long"])
def test_a_beginning_that_was_kept_and_is_wrong_is_thrown_away(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / f"{POINTER.sha256}.part").write_bytes(kept)
    source = FakeSource()
    assert fetch(tmp_path, source) == MODEL
    assert source.starts[-1] == 0


def test_a_kept_model_that_was_altered_is_fetched_anew(tmp_path: Path) -> None:
    (tmp_path / f"{POINTER.sha256}.onnx").write_bytes(MODEL[:-1] + b"!")
    source = FakeSource()
    assert fetch(tmp_path, source) == MODEL
    assert source.starts == [0]


def test_a_model_that_the_disk_cant_hold_is_not_even_begun(tmp_path: Path) -> None:
    source = FakeSource()
    with pytest.raises(PackageError, match=r"bytes don't fit into .*: [\d,]+ are free"):
        fetch(tmp_path, source, ModelPointer(POINTER.sha256, 10**18))
    assert source.starts == []


def opened(folder: Path, source: FakeSource) -> Service:
    return open_service(SETTINGS, folder, open_source=lambda _: source)


def test_a_service_loads_the_model_that_its_package_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart, model = model_apart(package())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = FakeSource(model)

    service = opened(unpack(apart, tmp_path / "code"), source)

    assert service.predictor is not None
    found = open_package(apart)
    assert found.pointer is not None
    assert source.keys == {model_key(found, found.pointer)}


def test_a_service_whose_model_is_another_has_a_fault_and_one_that_cant_read_it_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart, model = model_apart(package())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = unpack(apart, tmp_path / "code")

    assert isinstance(opened(code, FakeSource(model + b"!")).fault, DigestMismatchError)
    source = FakeSource(model, breaks_after=10)
    with pytest.raises(ModelUnavailableError):
        opened(code, source)
    assert opened(code, source).predictor is not None


def test_a_package_that_holds_its_model_needs_no_bucket(tmp_path: Path) -> None:
    def never(_: object) -> FakeSource:
        raise AssertionError("opened")

    code = unpack(package(), tmp_path)
    assert open_service(SETTINGS, code, open_source=never).predictor is not None


def wide_model() -> bytes:
    """Return a model of 60 MB: minutes = the sum of 7.5 million numbers 1 / 7.5 million, twice."""
    width = 7_500_000
    up = numpy_helper.from_array(np.ones((2, width), dtype=np.float32), "up")
    nodes = [
        helper.make_node("MatMul", ["features", "up"], ["wide"]),
        helper.make_node("ReduceMean", ["wide"], ["scores"], axes=[1], keepdims=1),
    ]
    model: onnx.ModelProto = model_of(nodes, initializers=[up])
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", 17))
    return bytes(model.SerializeToString())


def test_sixty_megabytes_are_fetched_loaded_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = wide_model()
    assert len(model) > 60_000_000
    apart, _ = model_apart(package_bytes(model_onnx=model))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert opened(unpack(apart, tmp_path / "code"), FakeSource(model)).predictor is not None

    session = BoundedSession(model)
    scores = session.run(np.array([[3.0, 1.0]], dtype=np.float32))
    assert scores == pytest.approx(4.0, rel=1e-3)
    assert 150 < session.peak_mb < 1000  # the model as bytes, the model as loaded, the libraries
