"""The pure rules of the extension, without an emulator."""

import doctest
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from tidegate_cli.local.extension import metric_math
from tidegate_cli.local.extension.alarms import judge
from tidegate_cli.local.extension.conditions import leading_keys
from tidegate_cli.local.extension.emf import extract
from tidegate_cli.local.extension.gateway import Throttles
from tidegate_cli.local.extension.patterns import PatternError, compile_pattern
from tidegate_cli.local.extension.sagemaker.process import command
from tidegate_cli.local.extension.settings import Settings

PACKAGE = "tidegate_cli.local.extension"


@pytest.mark.parametrize(
    "module",
    [
        "alarms",
        "aliases",
        "conditions",
        "emf",
        "gateway",
        "metric_math",
        "patterns",
        "schedules",
        "sagemaker.storage",
    ],
)
def test_examples(module: str) -> None:
    results = doctest.testmod(importlib.import_module(f"{PACKAGE}.{module}"))
    assert results.attempted
    assert not results.failed


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ('{ $.kind = "window" }', '{"kind": "window"}', True),
        ('{ $.kind = "win*" }', '{"kind": "window"}', True),
        ('{ $.kind != "window" }', '{"kind": "window"}', False),
        ('{ $.kind != "window" }', "{}", False),
        ("{ $.n > 3 && $.n <= 5 }", '{"n": 5}', True),
        ("{ $.n > 3 || $.ok IS TRUE }", '{"n": 1, "ok": true}', True),
        ('{ ($.a = 1 || $.b = 2) && $.c = "x" }', '{"b": 2, "c": "x"}', True),
        ('{ $.a.b[1].c = "x" }', '{"a": {"b": [0, {"c": "x"}]}}', True),
        ("{ $.missing NOT EXISTS }", '{"a": 1}', True),
        ("{ $.a IS NULL }", '{"a": null}', True),
        ('{ $.kind = "window" }', 'prefix {"kind": "window"}', False),
        ("", "anything", True),
        ('"two words" -no', "has two words", True),
        ("?ERROR ?WARN", "a WARN", True),
    ],
)
def test_filter_patterns(pattern: str, message: str, matches: bool) -> None:
    assert compile_pattern(pattern)(message) is matches


@pytest.mark.parametrize("pattern", ["{ $.a = }", "{ a = 1 }", "[ip, user]", "{ $.a % 1 }"])
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


# the rows of the table in CloudWatch's user guide, "How alarm state is evaluated when data is
# missing", as far as one evaluation range of three periods shows them
@pytest.mark.parametrize(
    ("points", "missing", "ignore", "breaching", "not_breaching"),
    [
        ([None, None, None], "INSUFFICIENT_DATA", "kept", "ALARM", "OK"),
        ([None, None, False], "OK", "OK", "OK", "OK"),
        ([None, True, None], "ALARM", "kept", "ALARM", "OK"),
        ([True, True, True], "ALARM", "ALARM", "ALARM", "ALARM"),
        ([False, True, True], "OK", "OK", "OK", "OK"),
    ],
)
def test_missing_data(
    points: list[bool | None], missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    found = [judge(points, needed=3, missing=how, current="kept").state for how in treatments]
    assert found == [missing, ignore, breaching, not_breaching]


def test_m_of_n() -> None:
    assert judge([True, False, True], needed=2, missing="missing", current="OK").state == "ALARM"
    assert judge([True, False, False], needed=2, missing="missing", current="OK").state == "OK"


def test_a_dimension_set_without_values_is_dropped_and_bad_json_is_no_metric() -> None:
    line = (
        '{"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{"Namespace": "N", "Dimensions":'
        ' [["Env"], ["Env", "Model"]], "Metrics": [{"Name": "A"}, {"Name": "B"}]}]},'
        ' "Env": "local", "A": 1, "B": [2, 3]}'
    )
    found = [(datum.name, datum.dimensions, datum.values) for datum in extract(line)]
    assert found == [("A", {"Env": "local"}, (1.0,)), ("B", {"Env": "local"}, (2.0, 3.0))]
    assert list(extract('{"_aws": oh no')) == []


def test_a_histogram_in_a_log_line_keeps_its_counts() -> None:
    content = {
        "_aws": {"CloudWatchMetrics": [{"Namespace": "N", "Metrics": [{"Name": "Latency"}]}]},
        "Latency": {"Values": [1.0, 2.5], "Counts": [3, 1], "Min": 1.0, "Max": 2.5},
    }
    (found,) = extract(json.dumps(content))
    assert (found.values, found.counts) == ((1.0, 2.5), (3.0, 1.0))


@pytest.mark.parametrize(
    ("request_", "keys"),
    [
        ({"TableName": "T", "Item": {"PK": {"S": "a"}, "SK": {"S": "b"}}}, ["a"]),
        (
            {
                "TableName": "T",
                "KeyConditionExpression": "#p = :p AND begins_with(SK, :s)",
                "ExpressionAttributeNames": {"#p": "PK"},
                "ExpressionAttributeValues": {":p": {"S": "a"}, ":s": {"S": "V#"}},
            },
            ["a"],
        ),
        (
            {
                "TableName": "T",
                "IndexName": "by",
                "KeyConditionExpression": "digest = :d",
                "ExpressionAttributeValues": {":d": {"S": "x"}},
            },
            ["x"],
        ),
        (
            {
                "TransactItems": [
                    {"Put": {"TableName": "T", "Item": {"PK": {"S": "a"}}}},
                    {"ConditionCheck": {"TableName": "T", "Key": {"PK": {"S": "b"}}}},
                ]
            },
            ["a", "b"],
        ),
        ({"RequestItems": {"T": [{"PutRequest": {"Item": {"PK": {"N": "1"}}}}]}}, ["1"]),
        ({"RequestItems": {"T": {"Keys": [{"PK": {"S": "a"}}, {"PK": {"S": "b"}}]}}}, ["a", "b"]),
        ({"TableName": "T"}, []),
    ],
    ids=["put", "query", "index", "transaction", "batch write", "batch get", "scan"],
)
def test_leading_keys(request_: dict[str, Any], keys: list[str]) -> None:
    assert leading_keys(request_, {"T": "PK", "T/by": "digest"}) == keys


def test_metric_math() -> None:
    values = {"errors": 3.0, "calls": 12.0, "none": None}
    assert metric_math.evaluate("IF(calls > 10, 100 * errors / calls, 0)", values) == 25.0
    assert metric_math.evaluate("errors + none", values) is None
    assert metric_math.evaluate("SUM([errors, calls, none])", values) == 15.0
    for bad in ("__import__('os')", "errors.real", "ANOMALY_DETECTION_BAND(errors)", "1 +"):
        with pytest.raises(metric_math.MathError):
            metric_math.evaluate(bad, values)


def test_a_bucket_refills() -> None:
    throttles, settings = Throttles(), {"throttlingRateLimit": 1, "throttlingBurstLimit": 2}
    admitted = [throttles.admit("a", settings, now) for now in (0.0, 0.0, 0.0, 0.5, 1.1)]
    assert admitted == [True, True, False, False, True]
    assert throttles.admit("b", {}, 0.0)


def test_only_whole_mentions_of_opt_ml_are_rewritten(tmp_path: Path) -> None:
    algorithm = {
        "ContainerEntrypoint": [
            "bash",
            "-c",
            "cd /opt/ml && ls --to=/opt/ml/model /x/opt/ml /opt/mlx",
        ]
    }
    words = command(algorithm, tmp_path)
    assert words[2] == f"cd {tmp_path} && ls --to={tmp_path}/model /x/opt/ml /opt/mlx"


def test_settings_leave_the_environment() -> None:
    environ = {
        "TIDEGATE_CLOUD_STATE": "/s/.tidegate/cloud",
        "TIDEGATE_LAMBDA_RUNTIME": "/r",
        "TIDEGATE_TIME_SCALE": "0.5",
        "GATEWAY_PORT": "4566",
        "PYTHONPATH": "/x",
    }
    settings = Settings.take(environ)
    assert (settings.time_scale, settings.port) == (0.5, 4566)
    assert str(settings.environments) == "/s/.tidegate/environments"
    assert environ == {"GATEWAY_PORT": "4566"}
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        Settings.take({**environ, "TIDEGATE_CLOUD_STATE": "/s", "TIDEGATE_TIME_SCALE": "2"})
