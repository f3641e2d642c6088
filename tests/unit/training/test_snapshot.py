"""The snapshot: what is fixed, what is refused, and when nothing is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import made
from tests.fakes.signer import FakeSigner
from tests.fakes.training_house import CODE, NOW, SETTINGS, TrainingHouse, project_of
from tests.fakes.training_samples import contract_of
from tidegate.errors import DataError, RequestError, SettingsError
from tidegate.package import keys
from tidegate.package.inputs import digest_of_files
from tidegate.project import Training
from tidegate.registry.values import GateResult, Lineage, VersionDraft
from tidegate.settings import Settings
from tidegate.training.determinism import VARIABLES
from tidegate.training.house import House
from tidegate.training.orders import TrainOrder
from tidegate.training.request import TrainingRequest
from tidegate.training.sagemaker_job import job_name
from tidegate.training.snapshot import Snapshot, take_snapshot

Change = Callable[[TrainingHouse], None]
ORDER = TrainOrder("sample", "sample-20261122T220000-ab12", "jane", "first try")


@pytest.fixture
def fake() -> TrainingHouse:
    made = TrainingHouse(project_of(contract_of("binary")))
    made.push_data("2013-01-01.csv.gz", b"one")
    made.push_data("2013-02-16.csv.gz", b"two")
    made.push_data("2013-03-01.csv.gz", b"three")
    made.push_data("README.md", b"no data")
    return made


def request_of(fake: TrainingHouse, run: str = ORDER.run) -> TrainingRequest:
    return TrainingRequest.from_json(fake.artifacts.get(keys.run_request("sample", run)))


def finish(fake: TrainingHouse, run: str, *, passed: bool = True) -> int:
    """Do what the rest of the machine does: register a version and end the run."""
    request = request_of(fake, run)
    lineage = Lineage(request.data_digest, request.code_digest, "e" * 64)
    draft = VersionDraft("a" * 64, 10, "b" * 64, run, lineage, {"auc": 0.7}, ())
    if not passed:
        draft = replace(draft, gates=(_failed_gate(),))
    version = fake.registry.register(
        "sample", draft, FakeSigner(), at=NOW, actor="jane", request_id=run
    )
    fake.registry.finish_run("sample", run=run, state="succeeded", at=NOW, version=version.number)
    return version.number


def _failed_gate() -> GateResult:
    return GateResult("auc", "minimum", 0.5, 0.6, None, passed=False, reason="auc 0.5")


def take(fake: TrainingHouse, order: TrainOrder = ORDER) -> Snapshot:
    return take_snapshot(order, fake.house, NOW)


def test_a_snapshot_records_the_run_and_writes_what_the_job_reads(fake: TrainingHouse) -> None:
    snapshot = take(fake)
    request = request_of(fake)
    assert [item.key for item in request.data] == [
        "data/sample/2013-01-01.csv.gz",
        "data/sample/2013-02-16.csv.gz",
        "data/sample/2013-03-01.csv.gz",
    ]
    assert request.code_digest == CODE
    assert (request.git_commit, request.git_dirty) == ("commit-of-c", True)
    assert request.params == {"trees": 10, "rate": 0.1}
    manifest = json.loads(fake.artifacts.get(keys.run_data_manifest("sample", ORDER.run)))
    assert manifest[0] == {"prefix": "s3://artifacts/"}
    assert manifest[1:] == [item.key for item in request.data]
    run = fake.registry.run("sample", ORDER.run)
    assert (run.state, run.identity) == ("running", request.identity)
    assert snapshot.to_answer()["reused"] is False


def test_the_job_is_bounded_tagged_and_encrypted(fake: TrainingHouse) -> None:
    job = take(fake).to_answer()["job"]
    assert job["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 3600,
        "MaxWaitTimeInSeconds": 7200,
    }
    assert {tag["Key"]: tag["Value"] for tag in job["Tags"]} == {
        "tidegate:env": "dev",
        "tidegate:model": "sample",
        "tidegate:owner": "team",
        "tidegate:cost-center": "cc-1",
        "tidegate:component": "training",
    }
    assert job["RoleArn"].endswith(":role/tidegate-dev-training-job")
    assert job["EnableManagedSpotTraining"] is True
    assert job["EnableInterContainerTrafficEncryption"] is True
    entry = job["AlgorithmSpecification"]["ContainerEntrypoint"]
    assert entry == ["python3", "/opt/ml/input/data/framework/f00d.zip"]
    channels = {c["ChannelName"]: c["DataSource"]["S3DataSource"] for c in job["InputDataConfig"]}
    assert channels["data"]["S3DataType"] == "ManifestFile"
    assert channels["framework"]["S3Uri"] == "s3://assets/f00d.zip"
    assert job["Environment"] == VARIABLES
    json.dumps(job)


def test_without_spot_there_is_no_waiting_time(fake: TrainingHouse) -> None:
    fake.with_project(training=Training(spot=False, max_minutes=5))
    job = take(fake).to_answer()["job"]
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 300}
    assert job["EnableManagedSpotTraining"] is False


def test_a_long_run_id_keeps_a_job_name_that_leaves_room_for_the_attempt() -> None:
    one, two = (job_name("dev", f"{'m' * 70}-{end}") for end in "ab")
    assert len(one) <= 58
    assert one != two


def test_data_until_stops_before_a_date_by_the_files_names(fake: TrainingHouse) -> None:
    take(fake, replace(ORDER, data_until="2013-03-01"))
    assert [item.key[-17:] for item in request_of(fake).data] == [
        "2013-01-01.csv.gz",
        "2013-02-16.csv.gz",
    ]


@pytest.mark.parametrize(
    ("until", "words"),
    [("2012-01-01", "no data files before 2012-01-01; run: tidegate data push sample")],
)
def test_no_data_is_an_error_that_says_how_to_push(
    fake: TrainingHouse, until: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        take(fake, replace(ORDER, data_until=until))


def test_before_any_push_the_error_says_so() -> None:
    with pytest.raises(DataError, match="has no data files; run: tidegate data push sample"):
        take(TrainingHouse(project_of(contract_of("binary"))))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"treees": 3}, r"has no 'treees'; it declares: rate, trees"),
        ({"trees": 0.5}, r"'trees' is a int in model.toml, not 0.5"),
        ({"trees": True}, r"'trees' is a int"),
        ({"rate": "fast"}, r"'rate' is a float"),
    ],
)
def test_parameters_must_be_declared_and_of_their_type(
    fake: TrainingHouse, params: dict[str, object], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        take(fake, replace(ORDER, params=params))


def test_an_integer_for_a_float_parameter_is_the_same_training() -> None:
    whole, point = (TrainingHouse(project_of(contract_of("binary"))) for _ in range(2))
    for house, value in ((whole, 1), (point, 1.0)):
        house.push_data("a.csv", b"one")
        take(house, replace(ORDER, params={"rate": value}))
    assert request_of(whole).identity == request_of(point).identity


@pytest.mark.parametrize("passed", [True, False], ids=["approved", "failed its gates"])
def test_equal_inputs_are_answered_from_the_registry(fake: TrainingHouse, passed: bool) -> None:
    take(fake)
    number = finish(fake, ORDER.run, passed=passed)
    again = take(fake, replace(ORDER, run="sample-20261123T220000-cd34")).to_answer()
    assert "job" not in again
    assert (again["reused"], again["version"], again["release"]) == (True, number, passed)
    assert bool(again["release_id"]) is passed
    assert fake.registry.run("sample", "sample-20261123T220000-cd34").state == "reused"


def test_an_order_without_release_does_not_release_a_reused_version(fake: TrainingHouse) -> None:
    take(fake)
    finish(fake, ORDER.run)
    again = take(fake, replace(ORDER, run="again", release="none"))
    assert again.to_answer()["release"] is False


def test_a_version_whose_release_is_under_way_is_not_released_twice(fake: TrainingHouse) -> None:
    take(fake)
    number = finish(fake, ORDER.run)
    fake.registry.begin_release(
        replace(made.release(version=number), model="sample"), lease=timedelta(minutes=5), at=NOW
    )
    assert take(fake, replace(ORDER, run="again")).to_answer()["release"] is False


def test_a_retried_step_gives_the_same_answer(fake: TrainingHouse) -> None:
    first = take(fake).to_answer()
    second = take_snapshot(ORDER, fake.house, NOW + timedelta(minutes=1)).to_answer()
    assert first == second


CHANGES: dict[str, Change] = {
    "data": lambda fake: fake.push_data("2013-01-01.csv.gz", b"other"),
    "one file more": lambda fake: fake.push_data("2013-04-01.csv.gz", b"four"),
    "code": lambda fake: fake.push_code("b" * 64),
    "seed": lambda fake: fake.with_project(
        training=Training(params={"trees": 10, "rate": 0.1}, seed=8)
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_other_input_is_trained(fake: TrainingHouse, change: Change) -> None:
    take(fake)
    finish(fake, ORDER.run)
    change(fake)
    assert take(fake, replace(ORDER, run="again")).to_answer()["reused"] is False


@pytest.mark.parametrize(
    "settings",
    [
        replace(SETTINGS, training_image="python:3.14-slim"),
        replace(SETTINGS, framework_uri="s3://assets/beef.zip"),
    ],
    ids=["image", "framework"],
)
def test_another_environment_is_trained(fake: TrainingHouse, settings: Settings) -> None:
    take(fake)
    finish(fake, ORDER.run)
    house = House(fake.house.catalog, settings)
    again = take_snapshot(replace(ORDER, run="again"), house, NOW)
    assert again.to_answer()["reused"] is False


def test_a_failed_run_is_no_answer(fake: TrainingHouse) -> None:
    take(fake)
    fake.registry.finish_run("sample", run=ORDER.run, state="failed", at=NOW, error="x")
    assert take(fake, replace(ORDER, run="again")).to_answer()["reused"] is False


def test_a_missing_image_is_named(fake: TrainingHouse) -> None:
    house = House(fake.house.catalog, replace(SETTINGS, training_image=""))
    with pytest.raises(SettingsError, match="TIDEGATE_TRAINING_IMAGE"):
        take_snapshot(ORDER, house, NOW)


def test_the_data_digest_ignores_order_and_s3_versions(fake: TrainingHouse) -> None:
    objects = fake.artifacts.list("data/sample/")
    moved = [replace(item, version_id="other") for item in reversed(objects)]
    assert digest_of_files(objects) == digest_of_files(moved)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"model": "sample", "run": "r"}, "actor: missing"),
        ({"model": "sample", "run": "r", "actor": "a", "release": "yes"}, "release"),
        ({"model": "sample", "run": "r", "actor": "a", "extra": 1}, "extra"),
        ({"model": 3, "run": "r", "actor": "a"}, "model"),
    ],
)
def test_a_malformed_order_names_the_field(event: dict[str, object], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        TrainOrder.from_event(event)
