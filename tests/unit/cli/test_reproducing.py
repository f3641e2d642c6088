"""`tidegate reproduce`: the recorded training by the real launcher, over a cloud in memory."""

from __future__ import annotations

import _thread
import hashlib
import io
import json
import signal
import tempfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.fakes import made
from tests.fakes.cloud import FakeCloud
from tests.fakes.launching import FRAMEWORK, installer, launch
from tests.fakes.packages import model_apart
from tests.fakes.signer import FakeSigner
from tests.fakes.training_house import project_of
from tests.fakes.training_samples import contract_of, csv_of, job_root, table_of
from tests.unit.training.test_training_job import TRAIN
from tidegate.package import keys
from tidegate.package.archive import CONTENTS, Package, build_package, open_package
from tidegate.package.code_archive import code_digest
from tidegate.package.inputs import environment_digest, environment_to_text
from tidegate.package.manifest import CARD, ENVIRONMENT
from tidegate.package.whole import model_key
from tidegate.registry.values import DataFile
from tidegate.training.request import TrainingRequest
from tidegate_cli import invocation, reproducing
from tidegate_cli.main import app

CODE = {"train.py": TRAIN, "requirements.txt": ""}
CODE_DIGEST = code_digest({name: text.encode() for name, text in CODE.items()})
DATA = "data/sample/2013.csv.gz"


@dataclass(frozen=True)
class Trained:
    """What a training read, and the package that it left."""

    channels: Path
    package: bytes

    @property
    def opened(self) -> Package:
        return open_package(self.package, digest=hashlib.sha256(self.package).hexdigest())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    contract = contract_of("binary")
    root = tmp_path_factory.mktemp("job") / "root"
    data = {"2013.csv.gz": csv_of(table_of("binary", rows=400), contract)}
    job_root(root, project_of(contract), code=CODE, data=data)
    file = root / "input" / "data" / "request" / "request.json"
    request = TrainingRequest.from_json(file.read_bytes())
    file.write_bytes(replace(request, code_digest=CODE_DIGEST).to_json())
    done = launch(root)
    assert done.returncode == 0, done.stderr
    return Trained(root / "input" / "data", (root / "model" / "package.zip").read_bytes())


@pytest.fixture
def cloud(tmp_path: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "cdk.json").write_text("{}")
    (root / "layers").symlink_to(FRAMEWORK.parents[1])
    cloud = FakeCloud(root)
    monkeypatch.setattr(invocation, "connect", lambda *_: cloud)
    monkeypatch.setattr(reproducing, "find_uv", lambda: installer(tmp_path / "tools"))
    monkeypatch.setenv("TIDEGATE_ROOT", str(root))
    monkeypatch.setenv("COLUMNS", "200")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    for key, name in (
        (keys.code_archive("sample", CODE_DIGEST), "code/code.zip"),
        (keys.project_file("sample", CODE_DIGEST), "code/project.json"),
        (DATA, f"data/{DATA}"),
    ):
        cloud.artifacts.put(key, (trained.channels / name).read_bytes())
    cloud.registry.ensure_model("sample", owner="team", at=made.START, actor="ann")
    register(cloud, trained.package)
    return cloud


def register(cloud: FakeCloud, data: bytes) -> None:
    package = open_package(data, digest=hashlib.sha256(data).hexdigest())
    cloud.artifacts.put(keys.package_file("sample", package.digest), data)
    (version,) = (o.version_id for o in cloud.artifacts.list(DATA))
    draft = replace(
        made.draft(),
        package_digest=package.digest,
        contract_digest=package.contract.digest,
        lineage=replace(package.manifest.lineage, training_job="job", parent=0),
        inputs=tuple(DataFile(f.key, version, f.checksum, f.size, f.rows) for f in package.data),
    )
    cloud.registry.register(
        "sample", draft, FakeSigner(), at=made.START, actor="ann", request_id=package.digest
    )


def reproduce(*words: str) -> Result:
    return CliRunner().invoke(app, ["reproduce", *words])


def contents(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def test_a_version_is_made_again_byte_by_byte_and_leaves_nothing(
    cloud: FakeCloud, trained: Trained, tmp_path: Path
) -> None:
    objects, events = dict(cloud.artifacts.versions), cloud.registry.events("sample")
    result = reproduce("sample@1", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["version"], answer["identical"]) == ("sample@1", True)
    assert answer["now"] == trained.opened.digest
    assert (answer["members"], answer["environment"]) == ([], [])
    assert "the environment is the recorded one" in result.stderr
    assert contents(tmp_path / "scratch") == []
    assert cloud.artifacts.versions == objects
    assert cloud.registry.events("sample") == events


def test_what_differs_is_shown_and_another_environment_is_said_before(
    cloud: FakeCloud, trained: Trained
) -> None:
    register(cloud, recorded_elsewhere(trained.package))
    result = reproduce("sample", "2")
    assert result.exit_code == 1, result.output
    warned = result.stderr.index("this is another environment")
    assert warned < result.stderr.index("training sample@2 again")
    assert "left-pad" in result.stderr
    for words in ("differs sample@2", "card.md", "manifest.json", "left-pad", "0 label(s) flip"):
        assert words in result.stdout
    assert "model.onnx is the same, byte by byte" in result.stdout
    assert "auc" in result.stdout


def recorded_elsewhere(data: bytes) -> bytes:
    """Return the package as a machine with one more distribution would have made it."""
    package = open_package(data)
    lines = (*package.environment, "left-pad==1.3")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in CONTENTS}
    return build_package(
        {**files, CARD: b"# Other\n", ENVIRONMENT: environment_to_text(lines)},
        model="sample",
        lineage=replace(package.manifest.lineage, environment_digest=environment_digest(lines)),
        metrics=package.manifest.metrics,
    )


def damaged(cloud: FakeCloud, key: str, data: bytes) -> None:
    """Put other bytes where an object version was."""
    ((version, _),) = cloud.artifacts.versions[key]
    cloud.artifacts.versions[key] = [(version, data)]


def zip_of(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("key", "data", "expected"),
    [
        (DATA, None, f"{DATA} (version v3) is gone"),
        (DATA, b"other", f"{DATA} (version v3) holds other bytes"),
        (keys.code_archive("sample", CODE_DIGEST), zip_of("x.py"), "code.zip holds other code"),
        (keys.code_archive("sample", CODE_DIGEST), b"no zip", "code.zip can't be read"),
        (keys.code_archive("sample", CODE_DIGEST), None, "code.zip does not exist"),
    ],
    ids=["data gone", "other data", "other code", "broken code", "code gone"],
)
def test_what_is_no_longer_as_recorded_is_named(
    cloud: FakeCloud, tmp_path: Path, key: str, data: bytes | None, expected: str
) -> None:
    if data is None:
        del cloud.artifacts.versions[key]
    else:
        damaged(cloud, key, data)
    result = reproduce("sample@1")
    assert result.exit_code == 4
    assert expected in result.stderr
    assert contents(tmp_path / "scratch") == []


def test_an_environment_that_cannot_be_made_is_a_reason(
    cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = installer(tmp_path / "tools")
    failing.write_text("#!/bin/sh\necho no such package >&2\nexit 1\n")
    monkeypatch.setattr(reproducing, "find_uv", lambda: failing)
    result = reproduce("sample@1")
    assert result.exit_code == 1
    assert "no such package" in result.stderr
    assert contents(tmp_path / "scratch") == []


def test_a_model_that_lies_apart_is_read_where_it_is_recorded_and_where_it_is_made(
    cloud: FakeCloud, trained: Trained, tmp_path: Path
) -> None:
    data, model = model_apart(trained.package)
    package = open_package(data)
    assert package.pointer is not None
    cloud.artifacts.put(model_key(package, package.pointer), model)
    register(cloud, data)
    assert reproducing.recorded(cloud, "sample", 2).package.model == model

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "package.zip").write_bytes(data)
    (tmp_path / "model" / "model.onnx").write_bytes(model)
    job = reproducing.Job(tmp_path, ("true",), {"PATH": "/usr/bin:/bin"})
    assert job.train(minutes=1, log=print).model == model


def test_ctrl_c_ends_the_job(tmp_path: Path) -> None:
    script = 'trap "touch ended; exit" TERM; echo begun; while true; do sleep 0.05; done'
    job = reproducing.Job(tmp_path, ("sh", "-c", script), {"PATH": "/usr/bin:/bin"})

    def interrupt(line: str) -> None:
        if line == "begun":
            _thread.interrupt_main()

    # A shell starts its background jobs deaf to Ctrl-C, and these tests may be one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            job.train(minutes=1, log=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "ended").exists()


def test_a_job_that_takes_too_long_is_said_to(tmp_path: Path) -> None:
    job = reproducing.Job(tmp_path, ("sleep", "60"), {"PATH": "/usr/bin:/bin"})
    with pytest.raises(Exception, match="more than 0 minutes"):
        job.train(minutes=0, log=print)
