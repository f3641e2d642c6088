"""model.toml: what is right is read as written; every mistake names file, key and expectation."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.model_folder import MODEL_TOML, write_model_folder
from tidegate.contract import INTEGER_MAX, Column, Target
from tidegate.errors import ProjectError
from tidegate.project import Gate, Holdout, MonitorPolicy, Project
from tidegate.project_file import METRIC_NAMES, discover, find_problems, read_project


def problems_of(parent: Path, toml: str) -> list[str]:
    return [str(problem) for problem in find_problems(write_model_folder(parent, toml=toml))]


def edited(old: str, new: str) -> str:
    assert MODEL_TOML.count(old) == 1, old
    return MODEL_TOML.replace(old, new)


def test_a_whole_folder_is_read_as_it_is_written(tmp_path: Path) -> None:
    project = read_project(write_model_folder(tmp_path))

    assert project.name == "ferry-delay"
    assert project.contract.columns == (
        Column("wind", "float", minimum=0.0, maximum=60.5, nullable=True),
        Column("passengers", "integer", minimum=0.0, maximum=2000.0),
        Column("holiday", "boolean"),
        Column(
            "harbour",
            "category",
            categories=("north", "south"),
            unknown="map",
            description="Where it leaves.",
        ),
    )
    assert project.contract.target == Target("late", ("no", "yes"))
    assert (project.contract.time_column, project.contract.threshold) == ("departed_at", 0.4)
    assert (project.contract.max_rows, project.contract.max_bytes) == (500, 1_000_000)
    assert project.holdout == Holdout("latest", days=14.0)
    assert project.training.params == {"depth": 4, "rate": 0.1, "kind": "gbdt", "early": True}
    assert project.gates == (Gate("auc", minimum=0.6, max_regression=0.01),)
    assert project.release.steps == (5, 50, 100)
    assert project.governor.on_drift == "notify"
    assert project.loader == "load.py:files"


def test_what_is_left_out_has_the_documented_default(tmp_path: Path) -> None:
    project = read_project(write_model_folder(tmp_path))

    assert project.monitor == MonitorPolicy()
    assert (project.serving.timeout_seconds, project.serving.memory_mb) == (10, 1024)
    assert (project.training.spot, project.training.instance) == (True, "ml.m5.large")


WRONG = [
    ('task = "binary"', 'task = "binry"', "task", "did you mean 'binary'?"),
    ('task = "binary"', "", "task", "this key is missing"),
    ('owner = "harbour-team"', "", "owner", "this key is missing"),
    ('owner = "harbour-team"', 'owner = ""', "owner", "text is expected, not ''"),
    ('owner = "harbour-team"', "owner = true", "owner", "text is expected, not true"),
    ('owner = "harbour-team"', 'ownr = "x"', "ownr", "unknown key; did you mean 'owner'?"),
    ('cost_center = "cc-42"', 'cost_center = "cc<42>"', "cost_center", "AWS tag value"),
    ('name = "ferry-delay"', 'name = "Ferry"', "name", "a-z, 0-9 and -"),
    ('name = "ferry-delay"', 'name = "../x"', "name", "a-z, 0-9 and -"),
    ('name = "ferry-delay"', 'name = "ferry"', "name", "'ferry-delay' is expected"),
    ('name = "ferry-delay"', f'name = "{"f" * 50}"', "name", "at most 41 characters"),
    ('column = "late"', "", "target.column", "this key is missing"),
    ('column = "late"', 'column = "wind"', "columns.wind", "target column"),
    ('column = "departed_at"', 'column = "wind"', "columns.wind", "leak"),
    ('column = "departed_at"', 'column = "late"', "time.column", "the target already"),
    ('["no", "yes"]', '["no"]', "target.classes", "[negative, positive]"),
    ('["no", "yes"]', '["no", "no"]', "target.classes", "stands twice"),
    ('["no", "yes"]', "[0, 1]", "target.classes", "write it in quotes"),
    ('["no", "yes"]', '["no", ""]', "target.classes", "empty"),
    (
        '["no", "yes"]',
        f'["no", "{"y" * 201}"]',
        "target.classes",
        f"item 2, '{'y' * 56}...: a class has at most 200 characters, not 201",
    ),
    (
        "minimum = 0\nmaximum = 60.5",
        "minimum = 61\nmaximum = 60.5",
        "columns.wind.minimum",
        "above",
    ),
    ("maximum = 60.5", "maximum = true", "columns.wind.maximum", "a number"),
    ("maximum = 60.5", 'maximum = "60"', "columns.wind.maximum", "not '60'"),
    ("maximum = 60.5", "maximum = inf", "columns.wind.maximum", "a number"),
    ("maximum = 60.5", "maximum = nan", "columns.wind.maximum", "a number"),
    ("maximum = 60.5", "maximum = 3.5e38", "columns.wind.maximum", "a number"),
    ("maximum = 60.5", f"maximum = 1{'0' * 400}", "columns.wind.maximum", "so large"),
    ("maximum = 60.5", f"maximum = {2**53 + 1}", "columns.wind.maximum", "9007199254740992.0"),
    ("maximum = 60.5", "maximun = 60.5", "columns.wind.maximun", "did you mean 'maximum'?"),
    ("maximum = 60.5", 'categories = ["a"]', "columns.wind.categories", "category columns"),
    ("maximum = 60.5", 'unknown = "map"', "columns.wind.unknown", "category columns"),
    ("maximum = 2000", "maximum = 2000.0", "columns.passengers.maximum", "a whole number"),
    ("maximum = 2000", f"maximum = {INTEGER_MAX + 1}", "columns.passengers.maximum", "16777216"),
    ('type = "boolean"', 'type = "bool"', "columns.holiday.type", "did you mean 'boolean'?"),
    ('type = "boolean"', "", "columns.holiday.type", "this key is missing"),
    (
        'type = "boolean"',
        'type = "boolean"\nminimum = 0',
        "columns.holiday.minimum",
        "number columns",
    ),
    ('["north", "south"]', "[]", "columns.harbour.categories", "a list of texts"),
    ('["north", "south"]', '["north", "north"]', "columns.harbour.categories", "stands twice"),
    ('["north", "south"]', '["north", " "]', "columns.harbour.categories", "empty"),
    ('["north", "south"]', '["north", "a\\u0000"]', "columns.harbour.categories", "control"),
    ('["north", "south"]', '["(missing)"]', "columns.harbour.categories", "reserved"),
    ("nullable = true", "nullable = 1", "columns.wind.nullable", "true or false"),
    ("days = 14", "", "holdout.days", "needs it"),
    ("days = 14", "days = 0", "holdout.days", "above 0"),
    ("days = 14", "days = 14\nfraction = 0.2", "holdout.fraction", "random"),
    ('kind = "latest"', 'kind = "random"', "holdout.days", "latest"),
    ('[time]\ncolumn = "departed_at"', "", "holdout.kind", "needs a time column"),
    ('"train.py:train"', '"../train.py:train"', "training.entry", "inside the folder"),
    ('"train.py:train"', '"train"', "training.entry", "file.py:function"),
    ("max_minutes = 30", "max_minutes = 30.0", "training.max_minutes", "whole number"),
    ("max_minutes = 30", "max_minutes = true", "training.max_minutes", "whole number"),
    ("max_minutes = 30", 'instance = "m5.large"', "training.instance", "ml.m5.large"),
    ("max_minutes = 30", "seed = -1", "training.seed", "between 0 and 4294967295"),
    ("depth = 4", "depth = [4]", "training.params.depth", "text, a finite number"),
    ("depth = 4", "depth = nan", "training.params.depth", "finite"),
    ("depth = 4", "depth = 2026-01-01", "training.params.depth", "text, a finite number"),
    ('metric = "auc"', 'metric = "rmse"', "gates[1].metric", "auc | log_loss"),
    ('metric = "auc"', "", "gates[1].metric", "this key is missing"),
    ("minimum = 0.6\nmax_regression = 0.01", "", "gates[1]", "a bound is expected"),
    ("minimum = 0.6", "minimum = 60", "gates[1].minimum", "between 0 and 1"),
    ("minimum = 0.6", "minimum = 0.6\nmaximum = 0.5", "gates[1].minimum", "above the maximum"),
    ("max_regression = 0.01", "max_regression = -1", "gates[1].max_regression", "at least 0"),
    ("[[gates]]", "[gates]", "gates", "[[gates]] tables"),
    ("memory_mb = 1024", "memory_mb = 64", "serving.memory_mb", "between 128 and 10240"),
    ("max_rows = 500", "max_rows = 0", "serving.max_rows", "between 1 and 100000"),
    ("threshold = 0.4", "threshold = 1.5", "serving.threshold", "between 0 and 1"),
    ("threshold = 0.4", "timeout_seconds = 30", "serving.timeout_seconds", "between 1 and 29"),
    ("[5, 50, 100]", "[50, 5, 100]", "release.steps", "increasing"),
    ("[5, 50, 100]", "[5, 50, 50, 100]", "release.steps", "increasing"),
    ("[5, 50, 100]", "[5, 50]", "release.steps", "ending in 100"),
    ("[5, 50, 100]", "[]", "release.steps", "a list of whole numbers"),
    ("[5, 50, 100]", "[0, 100]", "release.steps", "between 1 and 100"),
    ("[5, 50, 100]", "[5.0, 100]", "release.steps", "a list of whole numbers"),
    ("[5, 50, 100]", "100", "release.steps", "not 100"),
    ("of = 3", "of = 1", "monitor.confirm", "can't be reached"),
    ('on_drift = "notify"', 'on_drift = "panic"', "governor.on_drift", "retrain | notify"),
    ('[governor]\non_drift = "notify"', "governor = 3", "data.governor", "unknown key"),
    ("[data]", '[card]\npurpose = ""\n[data]', "card.purpose", "text is expected"),
    ("[data]", '[card]\npurpose = "a\\nb"\n[data]', "card.purpose", "one line of printable"),
    ("[data]", '[card]\nlimits = "none"\n[data]', "card.limits", "a list of texts"),
    ("[data]", '[card]\nnot_for = ["a", 3]\n[data]', "card.not_for", "item 2, 3: text"),
    ("[data]", '[card]\nlimit = ["a"]\n[data]', "card.limit", "did you mean 'limits'?"),
    ('"load.py:files"', '"load.py:file"', "file", "no such function"),
    ('[data]\nloader = "load.py:files"', "[unknown]", "unknown", "unknown key"),
]


@pytest.mark.parametrize(("old", "new", "key", "expected"), WRONG)
def test_a_mistake_names_file_key_and_expectation(
    tmp_path: Path, old: str, new: str, key: str, expected: str
) -> None:
    toml = edited(old, new)
    if new == "governor = 3":
        key, toml = "governor", "governor = 3\n" + edited(old, "")
        expected = "a table is expected, not 3"
    found = find_problems(write_model_folder(tmp_path, toml=toml))

    matching = [problem for problem in found if problem.key == key and expected in str(problem)]
    assert matching, [str(problem) for problem in found]
    assert str(tmp_path) in matching[0].file
    assert len(found) <= 2, [str(problem) for problem in found]
    with pytest.raises(ProjectError):
        read_project(tmp_path / "ferry_delay")


def test_all_mistakes_are_listed_at_once(tmp_path: Path) -> None:
    toml = edited("maximum = 60.5", "maximum = true").replace("of = 3", "of = 1")
    folder = write_model_folder(tmp_path, toml=toml, train="def fit(): ...\n")
    (folder / "requirements.txt").write_text("numpy\n")

    keys = [problem.key for problem in find_problems(folder)]

    assert keys == ["columns.wind.maximum", "monitor.confirm", "train", "line 1"]


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        pytest.param('name = "x', "not valid TOML", id="unclosed"),
        pytest.param('name = "x"\nname = "y"\n', "(at line 2", id="twice"),
        pytest.param("a = " + "[" * 5000, "not valid TOML", id="deep"),
        pytest.param("a = " + "9" * 5000, "not valid TOML", id="digits"),
        pytest.param("", "this key is missing", id="empty"),
        pytest.param("#" * 1_000_001, "at most 1,000,000 bytes", id="huge"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, toml: str, expected: str) -> None:
    assert expected in problems_of(tmp_path, toml)[0]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"\xef\xbb\xbf" + MODEL_TOML.encode(), "byte order mark", id="BOM"),
        pytest.param(b'\n\nname = "\xff"\n', "line 3 is not", id="latin-1"),
    ],
)
def test_a_file_of_another_encoding_is_refused(tmp_path: Path, data: bytes, expected: str) -> None:
    folder = write_model_folder(tmp_path)
    (folder / "model.toml").write_bytes(data)

    assert expected in str(find_problems(folder)[0])


def test_a_missing_folder_or_file_is_named(tmp_path: Path) -> None:
    assert "a folder with a model.toml" in str(find_problems(tmp_path / "none")[0])
    (tmp_path / "bare").mkdir()
    assert "this file is missing" in str(find_problems(tmp_path / "bare")[0])


def test_columns_that_read_alike_are_refused(tmp_path: Path) -> None:
    toml = MODEL_TOML + '\n[columns."Wind"]\ntype = "float"\n'

    assert "reads like column 'wind'" in problems_of(tmp_path, toml)[0]


def test_a_regression_takes_bounds_and_no_classes(tmp_path: Path) -> None:
    toml = (
        edited('task = "binary"', 'task = "regression"')
        .replace('classes = ["no", "yes"]', "minimum = 0\nmaximum = 100")
        .replace('metric = "auc"\nminimum = 0.6', 'metric = "rmse"\nmaximum = 12.5')
    )
    found = problems_of(tmp_path, toml)

    assert len(found) == 1, found
    assert "serving.threshold: only a binary task" in found[0]


def test_a_multiclass_task_of_two_classes_is_told_to_be_binary(tmp_path: Path) -> None:
    toml = edited('task = "binary"', 'task = "multiclass"').replace("threshold = 0.4", "")
    found = problems_of(tmp_path, toml.replace('"auc"', '"f1_macro"'))

    assert len(found) == 1, found
    assert "for two use task" in found[0]


def test_discover_lists_folders_with_a_model_toml(tmp_path: Path) -> None:
    folder = write_model_folder(tmp_path)
    (tmp_path / "notes").mkdir()

    assert discover(tmp_path) == (folder,)
    assert discover(tmp_path / "nowhere") == ()


def test_two_folders_of_one_model_are_refused(tmp_path: Path) -> None:
    write_model_folder(tmp_path)
    twin = tmp_path / "ferry-delay"
    twin.mkdir()
    (twin / "model.toml").write_text(MODEL_TOML)

    with pytest.raises(ProjectError, match="one folder per model"):
        discover(tmp_path)


def test_every_task_has_metrics_of_distinct_names() -> None:
    for metrics in METRIC_NAMES.values():
        assert len({metric.name for metric in metrics}) == len(metrics)


def test_a_project_survives_its_json(tmp_path: Path) -> None:
    project = read_project(write_model_folder(tmp_path))
    again = Project.from_json(project.to_json())

    assert again.root == Path()
    assert again.to_json() == project.to_json()
    assert again.contract == project.contract
    assert again.training == project.training
    assert str(tmp_path).encode() not in project.to_json()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b'"owner":"harbour-team"', b'"owner":3', "owner: text is expected, not 3"),
        (b'"spot":true', b'"spot":1', "training.spot: true or false is expected"),
        (b'"max_rows":500', b'"max_rows":5e2', "contract.max_rows: a whole number"),
        (b'"days":14.0', b'"days":NaN', "NaN is not JSON"),
        (b'"loader":', b'"lodar":', "lodar: no such field"),
        (b'"task":"binary"', b'"task":"b"', "contract.task: one of"),
        (b'"loader":', b'"root":"/x","loader":', "without root"),
    ],
)
def test_project_json_of_another_form_is_refused(
    tmp_path: Path, old: bytes, new: bytes, expected: str
) -> None:
    data = read_project(write_model_folder(tmp_path)).to_json()
    assert data.count(old) == 1

    with pytest.raises(ProjectError, match=expected):
        Project.from_json(data.replace(old, new))


@given(st.text(max_size=200))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_after_a_good_file_is_read_or_refused(tmp_path: Path, tail: str) -> None:
    folder = tmp_path / "ferry_delay"
    if not folder.exists():
        write_model_folder(tmp_path)
    (folder / "model.toml").write_bytes((MODEL_TOML + tail).encode("utf-8", "surrogatepass"))

    assert all(isinstance(problem, ProjectError) for problem in find_problems(folder))
