"""Commands over a cloud in memory: what people see, what machines get, the exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.fakes import made
from tests.fakes.cloud import FakeCloud
from tests.fakes.model_folder import LOAD_PY, MODEL_TOML, TRAIN_PY
from tests.fakes.signer import FakeSigner
from tidegate.registry.values import DriftReport, Verdict
from tidegate_cli import invocation, workflows
from tidegate_cli.faults import CloudDownError
from tidegate_cli.main import app
from tidegate_cli.tables import labels_line

CSV = "wind,passengers,holiday,harbour,late,departed_at,extra\n3.5,12,true,north,no,2026-01-01,x\n"
IRIS_TOML = MODEL_TOML.replace("ferry-delay", "iris")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    declared = {"account": "", "region": "", "time_scale": 1.0}
    context = {"environments": {"local": declared, "dev": declared}}
    (tmp_path / "cdk.json").write_text(json.dumps({"context": context}))
    folder = tmp_path / "models" / "iris"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text(IRIS_TOML)
    (folder / "train.py").write_text(TRAIN_PY)
    (folder / "load.py").write_text(LOAD_PY)
    (folder / "requirements.txt").write_text("numpy==2.4.6\n")
    (tmp_path / "rows.csv").write_text(CSV)
    monkeypatch.chdir(tmp_path)
    for name in ("TIDEGATE_ENV", "TIDEGATE_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TIDEGATE_ACTOR", "ann")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def cloud(root: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    made_here = FakeCloud(root)
    monkeypatch.setattr(invocation, "connect", lambda *_: made_here)
    monkeypatch.setattr(workflows.time, "sleep", lambda _: None)
    return made_here


def call(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def promote(cloud: FakeCloud, letter: str = "a", *, passed: bool = True) -> int:
    registry = cloud.registry
    version = registry.register(
        "iris",
        made.draft(letter, passed=passed),
        FakeSigner(),
        at=made.START,
        actor="ann",
        request_id=letter,
    )
    begun = registry.begin_release(
        made.release(f"r-{version.number}", version.number),
        lease=timedelta(hours=1),
        at=made.START,
    )
    verdict = Verdict(10, "advance", ("scores agree",), {"rows": 400.0}, made.START)
    ended = replace(begun, state="promoted", weight=100, function_version="2", verdicts=(verdict,))
    registry.finish_release(ended, at=made.START)
    return version.number


# -- validate


def test_a_right_folder_is_valid(root: Path) -> None:
    result = call("validate", "iris")
    assert result.exit_code == 0
    assert "iris" in result.stdout


def test_every_mistake_of_a_folder_is_listed_with_file_and_key(root: Path) -> None:
    file = root / "models" / "iris" / "model.toml"
    file.write_text(IRIS_TOML.replace('task = "binary"', 'task = "guess"').replace("cc-42", ""))
    result = call("validate", "--json")
    assert result.exit_code == 3
    problems = json.loads(result.stdout)["models"][0]["problems"]
    assert {p["key"] for p in problems} >= {"task", "cost_center"}
    assert all(p["file"].endswith("model.toml") and p["expected"] for p in problems)


def test_an_unknown_model_names_those_there_are(root: Path) -> None:
    result = call("validate", "rose")
    assert result.exit_code == 4
    assert "there are: iris" in result.stderr


# -- environments and errors


def test_options_may_stand_before_and_after_the_command(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(
        invocation, "connect", lambda root, env: seen.append(env) or FakeCloud(root)
    )
    monkeypatch.setenv("TIDEGATE_ENV", "staging")
    assert call("--env", "dev", "versions", "iris").exit_code == 0
    assert call("versions", "iris", "--env", "prod").exit_code == 0
    assert call("--env", "dev", "versions", "iris", "--env", "prod").exit_code == 0
    assert call("versions", "iris").exit_code == 0
    assert seen == ["dev", "prod", "prod", "staging"]


def test_an_error_is_one_line_and_a_hint(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(root: Path, env: str) -> FakeCloud:
        raise CloudDownError("it is down [really]", hint="start it")

    monkeypatch.setattr(invocation, "connect", down)
    result = call("status", "--json")
    assert result.exit_code == 5
    assert result.stdout == ""
    assert result.stderr.splitlines() == ["error it is down [really]", "hint  start it"]


def test_debug_shows_where_an_error_comes_from(cloud: FakeCloud) -> None:
    result = call("show", "iris@7", "--debug")
    assert type(result.exception).__name__ == "NotFoundError"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["versions", "rose"], 4, "no model 'rose'"),
        (["show", "iris@7"], 4, "has no version 7"),
        (["show", "iris"], 3, "expected NAME@VERSION"),
        (["train", "iris", "-p", "depth"], 3, "expected KEY=VALUE"),
        (["train", "iris", "--until", "yesterday"], 3, "is no date"),
        (["data", "push", "iris", "nowhere.csv"], 3, "nowhere.csv"),
        (["events"], 2, "Missing argument"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_exit_codes_tell_what_kind_of_mistake_it_was(
    cloud: FakeCloud, words: list[str], code: int, text: str
) -> None:
    result = call(*words)
    assert result.exit_code == code
    assert text in result.stderr


# -- data


def test_pushing_the_same_file_again_sends_nothing(cloud: FakeCloud) -> None:
    first = answer(call("data", "push", "iris", "rows.csv", "--json"))
    again = answer(call("data", "push", "iris", "rows.csv", "--json"))
    assert (first["uploaded"], first["rows"], first["ignored"]) == (1, 1, ["extra"])
    assert (again["uploaded"], again["unchanged"]) == (0, 1)
    assert [found.key for found in cloud.artifacts.list("data/")] == ["data/iris/rows.csv.gz"]


def test_a_file_without_a_column_of_the_contract_is_refused_by_name(
    cloud: FakeCloud, root: Path
) -> None:
    (root / "bad.csv").write_text(CSV.replace("harbour", "port"))
    result = call("data", "push", "iris", "bad.csv")
    assert result.exit_code == 3
    assert "bad.csv: missing column harbour" in result.stderr
    assert cloud.artifacts.list("data/") == ()


# -- train


def test_train_pushes_the_code_follows_the_run_and_shows_the_version(cloud: FakeCloud) -> None:
    number = promote(cloud)
    finished: list[str] = []

    def complete(order: Any) -> str:
        run = replace(made.run(order.run), started=made.START)
        cloud.registry.start_run(run, at=made.START)
        cloud.registry.finish_run(
            "iris", run=order.run, state="succeeded", at=made.START, version=number
        )
        finished.append(order.run)
        return "arn:run"

    cloud.machines.start_training = complete  # type: ignore[method-assign]
    result = call("train", "iris", "-p", "depth=3", "--json")
    found = answer(result)
    assert found["version"]["number"] == number
    assert found["run"]["id"] == finished[0]
    assert ["Snapshot" in result.stderr, "Register" in result.stderr] == [True, True]
    pushed = [e for e in cloud.registry.events("iris") if e.kind == "CodePushed"]
    assert set(pushed[0].evidence) >= {"git_commit", "git_dirty"}
    assert len(cloud.artifacts.list("code/iris/")) == 2


def test_a_training_that_failed_says_why_and_exits_with_one(cloud: FakeCloud) -> None:
    cloud.executions.status, cloud.executions.error = "FAILED", "UserCodeError"
    cloud.executions.cause = "train.py line 3: no column [x]"
    result = call("train", "iris")
    assert result.exit_code == 1
    assert "UserCodeError: train.py line 3: no column [x]" in result.stdout


def test_leaving_a_training_says_how_to_look_again(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workflows, "follow", leave)
    result = call("train", "iris")
    assert result.exit_code == 130
    assert "tidegate status iris" in result.stderr
    assert len(cloud.machines.trainings) == 1


def test_a_training_may_be_left_alone(cloud: FakeCloud) -> None:
    found = answer(call("train", "iris", "--no-wait", "--no-release", "-m", "why not", "--json"))
    order = cloud.machines.trainings[found["run"]]
    assert (order.release, order.reason, order.actor) == ("none", "why not", "ann")


# -- looking


def test_status_shows_champion_weights_alarms_and_the_last_look(cloud: FakeCloud) -> None:
    promote(cloud)
    second = cloud.registry.register(
        "iris", made.draft("b"), FakeSigner(), at=made.START, actor="ann", request_id="b"
    )
    cloud.registry.begin_release(
        made.release("r-9", second.number), lease=timedelta(hours=1), at=made.START
    )
    cloud.switch.now = replace(cloud.switch.now, canary="3", weight=10)
    cloud.alarms.states = {"tidegate-local-iris-drift": "ALARM"}
    report = DriftReport("iris", "2026-11-22T10:00:00.000Z", "drift", True, 2.0, ("wind",), 900)
    cloud.registry.report_drift(report, at=made.START)
    shown = call("status", "iris").stdout
    assert "90 % / 10 % @2" in shown
    assert "ALARM" in shown
    found = answer(call("status", "--json"))["models"][0]
    assert (found["champion"], found["newest"], found["release"]["id"]) == (1, 2, "r-9")
    assert found["alarms"] == {"drift": "ALARM", "heartbeat": "not deployed"}
    assert found["report"]["columns"] == ["wind"]


def test_status_of_one_model_tells_of_its_labels(cloud: FakeCloud) -> None:
    promote(cloud)
    key = "monitor/iris/look.json"
    delay = {"median": 86400.0, "p90": 259200.0}
    content = {"label_coverage": 0.125, "label_delay": delay}
    cloud.artifacts.put(key, json.dumps(content).encode())
    report = DriftReport("iris", "2026-11-22T10:00:00.000Z", "drift", True, 2.0, (), 900, key=key)
    cloud.registry.report_drift(report, at=made.START)
    told = "labels: 12.5 % of rows, after 24.0 h (median), 3.0 d (90 %)"
    assert told in call("status", "iris").stdout
    found = answer(call("status", "iris", "--json"))["models"][0]
    assert found["labels"] == {"coverage": 0.125, "delay": delay}


@pytest.mark.parametrize(
    ("coverage", "delay", "told"),
    [
        (None, None, ""),
        (0.5, None, "labels: 50.0 % of rows"),
        (None, {"median": 1.0, "p90": 130.0}, "labels: after 1 s (median), 2.2 min (90 %)"),
    ],
)
def test_what_is_not_known_of_labels_is_left_out(
    coverage: float | None, delay: dict[str, float] | None, told: str
) -> None:
    assert labels_line(coverage, delay) == told


def test_show_tells_what_made_a_version(cloud: FakeCloud) -> None:
    promote(cloud)
    shown = call("show", "iris@1").stdout
    for part in ("data/iris/a.csv.gz", made.digest("c"), "depth = 6", "seed = 0", "auc", "r-1"):
        assert part in shown
    found = answer(call("show", "iris", "1", "--json"))
    assert found["version"]["lineage"]["data_digest"] == made.digest("d")


def test_versions_are_listed_newest_first(cloud: FakeCloud) -> None:
    promote(cloud)
    promote(cloud, "b")
    found = answer(call("--json", "versions", "iris"))["versions"]
    assert [(v["number"], v["status"]) for v in found] == [(2, "champion"), (1, "retired")]


def test_events_can_be_chosen_by_kind_and_number(cloud: FakeCloud) -> None:
    promote(cloud)
    found = answer(call("events", "iris", "--kind", "VersionRegistered", "--json"))["events"]
    assert [event["kind"] for event in found] == ["VersionRegistered"]
    after = found[0]["sequence"]
    rest = answer(call("events", "iris", "--after", str(after), "--json"))["events"]
    assert all(event["sequence"] > after for event in rest)


# -- release


def test_an_override_is_recorded_with_its_reason(cloud: FakeCloud) -> None:
    promote(cloud)
    bad = cloud.registry.register(
        "iris",
        made.draft("b", passed=False),
        FakeSigner(),
        at=made.START,
        actor="ann",
        request_id="b",
    )
    result = call("release", f"iris@{bad.number}", "--override", "known hole", "--no-wait")
    assert result.exit_code == 0
    approved = [e for e in cloud.registry.events("iris") if e.kind == "VersionApproved"][-1]
    assert approved.reason == "known hole"
    assert approved.evidence["override"] is True
    assert [order.reason for order in cloud.machines.releases.values()] == ["known hole"]


def test_a_release_that_did_not_promote_exits_with_one(cloud: FakeCloud) -> None:
    promote(cloud)
    cloud.executions.error, cloud.executions.status = "LockHeldError", "FAILED"
    result = call("release", "iris", "1")
    assert result.exit_code == 1
    assert "LockHeldError" in result.stdout


def test_rollback_goes_to_the_champion_before(cloud: FakeCloud) -> None:
    promote(cloud)
    promote(cloud, "b")
    cloud.switch.published["2"] = ("s3://x/packages/iris/a.zip", {})
    found = answer(call("rollback", "iris", "-m", "wrong answers", "--json"))
    assert found["champion"] == 1
    champion = cloud.registry.champion("iris")
    assert champion is not None
    assert champion.number == 1


def test_rollback_without_a_former_champion_says_so(cloud: FakeCloud) -> None:
    promote(cloud)
    result = call("rollback", "iris", "-m", "x")
    assert result.exit_code == 3
    assert "had no other champion" in result.stderr


def test_every_command_has_help_in_words() -> None:
    commands = (
        "validate", "deploy", "destroy", "train", "versions", "show", "status", "approve",
        "release", "rollback", "predict", "feedback", "events", "demo", "data push", "monitor run",
        "monitor reports", "local up", "local down", "local status", "local logs", "local env",
    )  # fmt: skip
    for command in commands:
        result = call(*command.split(), "--help")
        assert result.exit_code == 0, command
        assert "--env" in result.stdout
