"""A model's client: rows of every form, requests of the right size, outcomes by their receipts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.cloud import FakeHttp
from tests.fakes.model_api import ModelApi
from tests.fakes.served import CONTRACT, MULTICLASS, REGRESSION, ROW
from tidegate.client import Answer, Client, Counts, Prediction
from tidegate.client.outcomes import CHARACTERS, LABELS, Outcome, batches
from tidegate.contract import Contract, Target
from tidegate.errors import (
    EndpointError,
    InvalidRowsError,
    PayloadTooLargeError,
    Problem,
    ReceiptError,
)


@pytest.fixture
def api() -> ModelApi:
    return ModelApi()


@pytest.fixture
def client(api: ModelApi) -> Client:
    return client_of(api)


def client_of(api: ModelApi | FakeHttp) -> Client:
    return Client(api, "ferry-delay")  # type: ignore[arg-type]


def client_told(status: int, body: dict[str, Any]) -> Client:
    api = FakeHttp()
    api.answer = Answer(status, body, 0.0)
    return client_of(api)


def frame_of(rows: int) -> pd.DataFrame:
    winds = np.linspace(0, 60, rows)
    return pd.DataFrame(
        [{**ROW, "wind": wind} for wind in winds], index=[f"i{i}" for i in range(rows)]
    )


frames = st.lists(
    st.fixed_dictionaries(
        {
            "wind": st.none() | st.floats(0, 60, width=32),
            "gusts": st.floats(-1e6, 1e6) | st.integers(-9, 9),
            "harbour": st.sampled_from(["north", "south", "east"]),
            "boats": st.integers(0, 99),
            "holiday": st.booleans(),
        }
    ),
    min_size=1,
    max_size=8,
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(frames)
def test_a_frame_is_answered_as_its_rows_one_by_one(rows: list[dict[str, Any]]) -> None:
    client = client_of(ModelApi())
    one_by_one = [client.predict([row])[0] for row in rows]
    found = client.predict(pd.DataFrame(rows))
    assert list(found["label"]) == [one.label for one in one_by_one]
    assert list(found["score"]) == [one.score for one in one_by_one]


@settings(deadline=None, max_examples=40)
@given(frames)
def test_records_columns_and_frames_are_answered_alike(rows: list[dict[str, Any]]) -> None:
    client = client_of(ModelApi())
    columns = {name: [row[name] for row in rows] for name in ROW}
    by_record, by_column = client.predict(rows), client.predict(columns)
    assert [(p.label, p.score, p.row) for p in by_record] == [
        (p.label, p.score, p.row) for p in by_column
    ]


def test_a_frame_keeps_its_index_and_says_what_answered(client: Client) -> None:
    found = client.predict(frame_of(3))
    assert list(found.index) == ["i0", "i1", "i2"]
    assert list(found.columns) == ["label", "score", "version", "receipt", "row"]
    assert list(found["score"]) == [0.0, 0.5, 1.0]
    assert list(found["row"]) == [0, 1, 2]
    assert set(found["version"]) == {3}


@pytest.mark.parametrize(
    ("contract", "columns"),
    [
        (MULTICLASS, ["label", "score_tide", "score_fog", "score_crew"]),
        (REGRESSION, ["value"]),
    ],
    ids=["multiclass", "regression"],
)
def test_every_task_has_its_columns(contract: Contract, columns: list[str]) -> None:
    found = client_of(ModelApi(contract)).predict(frame_of(2))
    assert list(found.columns) == [*columns, "version", "receipt", "row"]


@pytest.mark.parametrize("contract", [CONTRACT, MULTICLASS, REGRESSION])
def test_a_frame_without_rows_is_answered_by_one_of_the_same_columns(contract: Contract) -> None:
    some = client_of(ModelApi(contract)).predict(frame_of(2))
    none = client_of(ModelApi(contract)).predict(frame_of(2).iloc[:0])
    assert none.dtypes.to_dict() == some.dtypes.to_dict()
    assert (len(none), none.index.dtype) == (0, some.index.dtype)
    assert list(pd.concat([none, some]).dtypes) == list(some.dtypes)


def test_a_frame_without_columns_is_not_answered_by_an_example(client: Client) -> None:
    with pytest.raises(ValueError, match="Length mismatch"):
        client.predict(pd.DataFrame(index=["i0"]))


def test_no_records_are_no_request(client: Client, api: ModelApi) -> None:
    assert client.predict([]) == []
    assert api.sent == []


def test_too_many_rows_are_halved_and_the_size_is_remembered(client: Client, api: ModelApi) -> None:
    found = client.predict(frame_of(130))  # the contract takes 50
    assert list(found["score"]) == pytest.approx(list(frame_of(130)["wind"] / 60), rel=1e-5)
    assert found["receipt"].nunique() == 5
    assert list(found["row"])[30:34] == [30, 31, 0, 1]
    api.sent.clear()
    client.predict(frame_of(64))
    assert [len(sent["columns"]["wind"]) for _, sent in api.sent] == [32, 32]


def test_one_row_that_is_too_large_is_refused(api: ModelApi) -> None:
    with pytest.raises(PayloadTooLargeError, match="at most"):
        client_of(ModelApi(replace(CONTRACT, max_rows=0))).predict([ROW])


def test_a_problem_is_named_by_its_row_in_the_frame(client: Client) -> None:
    frame = frame_of(120)
    frame.loc[["i70", "i99"], "wind"] = 61.0
    with pytest.raises(InvalidRowsError) as raised:
        client.predict(frame)
    assert (raised.value.problems[0].row, raised.value.problems[0].column) == (70, "wind")


def test_infinite_numbers_are_refused_before_anything_is_sent(
    client: Client, api: ModelApi
) -> None:
    frame = frame_of(3)
    frame.loc["i1", "wind"] = np.inf
    with pytest.raises(InvalidRowsError) as raised:
        client.predict(frame)
    assert raised.value.problems == (Problem(1, "wind", "must be finite"),)
    assert api.sent == []


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.float32("inf")])
def test_an_infinite_number_among_objects_is_named(client: Client, value: float) -> None:
    values = pd.Series(["calm", value, None], dtype=object, index=frame_of(3).index)
    with pytest.raises(InvalidRowsError) as raised:
        client.predict(frame_of(3).assign(wind=values))
    assert raised.value.problems == (Problem(1, "wind", "must be finite"),)


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        (
            pd.arrays.FloatingArray(np.array([np.nan, 1.5, 7]), np.array([0, 0, 1], dtype=bool)),
            [None, 1.5, None],
        ),
        (np.array([np.nan, "x"], dtype=object), [None, "x"]),
        (pd.array([1, None], dtype="Int64"), [1, None]),
        (np.array([1.0, np.nan]), [1, None]),
        (np.array([1.0, 2.0]), [1.0, 2.0]),
        (np.array([1.5, np.nan]), [1.5, None]),
        (np.array([1e300, np.nan]), [1e300, None]),
        (np.array([0.1, 0.2], dtype=np.float32), [float(np.float32(0.1)), float(np.float32(0.2))]),
        (pd.array([True, None], dtype="boolean"), [True, None]),
        (np.array([True, False]), [True, False]),
        (pd.Categorical(["north", None]), ["north", None]),
        (pd.array(["north", None], dtype="string"), ["north", None]),
        (np.array(["north", None], dtype=object), ["north", None]),
    ],
    ids=lambda found: str(getattr(found, "dtype", "")),
)
def test_values_of_a_frame_stay_what_they_are(
    client: Client, api: ModelApi, values: Any, sent: list[Any]
) -> None:
    frame = pd.DataFrame({"x": values})
    with pytest.raises(InvalidRowsError):  # the model has no such column
        client.predict(frame)
    found = api.sent[0][1]["columns"]["x"]
    assert [(type(v), v) for v in found] == [(type(v), v) for v in sent]


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (pd.DataFrame({"when": pd.to_datetime(["2026-11-22"])}), "when is datetime64"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "stand twice: x"),
    ],
    ids=["time", "twice"],
)
def test_a_frame_that_has_no_form_in_json_is_refused(
    client: Client, frame: pd.DataFrame, text: str
) -> None:
    with pytest.raises(TypeError, match=text):
        client.predict(frame)


class Located(pd.DataFrame):
    """What geopandas has: a frame of another module."""


def test_a_frame_of_another_kind_is_a_frame(client: Client) -> None:
    found = client.predict(Located(frame_of(3)))
    assert list(found["score"]) == [0.0, 0.5, 1.0]
    assert client.feedback(Located(found), ["late"] * 3) == Counts(stored=3)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (frame_of(2).iloc[0], "Series"),
        (ROW, "dict of float"),
        ("wind", "str"),
        (None, "NoneType"),
        ((row for row in [ROW]), "generator"),
    ],
    ids=["a row", "a record", "text", "nothing", "generator"],
)
def test_what_are_no_rows_is_told_with_what_is_expected(
    client: Client, api: ModelApi, rows: Any, kind: str
) -> None:
    expected = f"expected a frame, a list of records or lists by column, not {kind}"
    with pytest.raises(TypeError, match=expected):
        client.predict(rows)
    assert api.sent == []


def test_columns_of_different_length_are_a_mistake(client: Client) -> None:
    with pytest.raises(ValueError, match="differ in length"):
        client.predict({"wind": [1.0], "gusts": []})


def test_outcomes_of_a_frame_are_stored_by_its_index(client: Client, api: ModelApi) -> None:
    answers = client.predict(frame_of(60))
    labels = pd.Series({"i59": "late", "i0": "on time", "i7": None, "other": "late"})
    assert client.feedback(answers, labels) == Counts(stored=2)
    stored = {(one.row, one.label) for one in api.ledger.stored_labels.values()}
    last = int(answers.loc["i59", "row"])
    assert stored == {(0, "on time"), (last, "late")}
    assert client.feedback(answers, labels) == Counts(duplicates=2)
    labels["i0"] = "late"
    assert client.feedback(answers, labels) == Counts(changed=1, duplicates=1)


def test_outcomes_may_be_a_list_in_the_order_of_the_answers(client: Client) -> None:
    answers = client.predict([ROW, ROW, ROW])
    assert client.feedback(answers, ["late", None, "on time"]) == Counts(stored=2)
    assert client.feedback(client.predict(frame_of(2)), ["late", "late"]) == Counts(stored=2)


@pytest.mark.parametrize("labels", [["late"], ["late"] * 3])
def test_labels_without_their_rows_are_a_mistake(client: Client, labels: list[str]) -> None:
    for answers in (client.predict([ROW, ROW]), client.predict(frame_of(2))):
        with pytest.raises(ValueError, match="labels for 2"):
            client.feedback(answers, labels)


def test_numbers_of_numpy_are_sent_as_numbers() -> None:
    client = client_of(ModelApi(REGRESSION))
    answers = client.predict(frame_of(2))
    assert client.feedback(answers, np.array([3, 4])) == Counts(stored=2)
    assert client.feedback(answers, np.array([3.0, np.nan])) == Counts(duplicates=1)


WHOLE = replace(CONTRACT, target=Target("late", ("0", "1")))


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series([1.0, np.nan, 0.0]),
        np.array([1.0, np.nan, 0.0]),
        [np.float32(1), float("nan"), 0.0],
        pd.array([1.0, None, 0.0], dtype="Float64"),
        pd.array([1, None, 0], dtype="Int64"),
        [1, pd.NA, 0],
    ],
    ids=["series", "array", "list", "Float64", "Int64", "NA"],
)
def test_whole_numbers_are_labels_in_every_form(labels: Any) -> None:
    api = ModelApi(WHOLE)
    frame = frame_of(3).reset_index(drop=True)
    assert client_of(api).feedback(client_of(api).predict(frame), labels) == Counts(stored=2)
    if not isinstance(labels, pd.Series):
        answers = client_of(api).predict([ROW] * 3)
        assert client_of(api).feedback(answers, labels) == Counts(stored=2)
    stored = {(one.row, one.label) for one in api.ledger.stored_labels.values()}
    assert stored == {(0, "1"), (2, "0")}


def test_labels_are_the_same_without_those_that_are_not_known() -> None:
    labels = pd.Series([1.0, np.nan, 0.0]).dropna()
    client = client_of(ModelApi(WHOLE))
    answers = client.predict(frame_of(3).reset_index(drop=True)).loc[labels.index]
    assert client.feedback(answers, labels) == Counts(stored=2)


def test_labels_under_the_very_index_of_the_answers_need_no_match(client: Client) -> None:
    answers = client.predict(frame_of(2).set_axis(["i", "i"]))
    assert client.feedback(answers, pd.Series(["late"] * 2, index=["i", "i"])) == Counts(stored=2)


def test_labels_of_other_rows_are_a_mistake(client: Client) -> None:
    answers = client.predict(frame_of(2))
    with pytest.raises(ValueError, match="none of 2 labels has an index of the answers"):
        client.feedback(answers, pd.Series(["late", "late"]))
    assert client.feedback(answers, pd.Series([], dtype=object)) == Counts()
    assert client.feedback(answers.iloc[:0], pd.Series(["late"])) == Counts()


def test_booleans_stay_booleans() -> None:
    client = client_of(ModelApi(replace(CONTRACT, target=Target("late", ("false", "true")))))
    told = [True, np.bool_(False), None]
    assert client.feedback(client.predict([ROW] * 3), told) == Counts(stored=2)


def test_a_fraction_stays_one_and_an_infinite_label_is_named_by_its_row() -> None:
    client = client_of(ModelApi(REGRESSION))
    answers = client.predict(frame_of(3))
    assert client.feedback(answers, [1.5, 2.0, None]) == Counts(stored=2)
    assert client.feedback(answers, [1.5, 2, None]) == Counts(duplicates=2)
    for answered in (answers, client.predict([ROW] * 3)):
        with pytest.raises(InvalidRowsError) as raised:
            client.feedback(answered, np.array([1.5, np.nan, np.inf]))
        assert raised.value.problems == (Problem(2, "label", "must be finite"),)


def test_a_wrong_outcome_is_named_by_its_place(client: Client) -> None:
    one, two = client.predict([ROW, ROW]), client.predict([ROW])
    told = [Outcome(one[0].receipt, 0, "late"), Outcome(two[0].receipt, 0, "late")]
    with pytest.raises(InvalidRowsError) as raised:
        client.feedback_rows([*told, Outcome(one[0].receipt, 1, "soon")])
    (problem,) = raised.value.problems
    assert (problem.row, problem.column) == (2, "label")
    with pytest.raises(ReceiptError, match=r"^feedback\[2\]: the receipt was altered"):
        client.feedback_rows([*told, Outcome("A" * 8 + two[0].receipt[8:], 0, "late")])


def test_a_wrong_label_is_named_by_its_row_among_those_not_known_yet(client: Client) -> None:
    for answered in (client.predict(frame_of(3)), client.predict([ROW] * 3)):
        with pytest.raises(InvalidRowsError) as raised:
            client.feedback(answered, [None, float("nan"), "soon"])
        assert raised.value.problems[0].row == 2


def test_a_receipt_is_sent_once_for_its_rows() -> None:
    told = [Outcome(f"r{i % 2}", i // 2, i) for i in range(5)]
    ((entries, places),) = batches(told)
    assert entries == [
        {"receipt": "r0", "rows": [0, 1, 2], "labels": [0, 2, 4]},
        {"receipt": "r1", "rows": [0, 1], "labels": [1, 3]},
    ]
    assert places == [[0, 2, 4], [1, 3]]


@pytest.mark.parametrize(
    ("receipts", "sizes"),
    [
        (["r"] * (2 * LABELS + 1), [LABELS, LABELS, 1]),
        (["a" * (CHARACTERS // 2), "b" * (CHARACTERS // 2), "c", "a" * (CHARACTERS // 2)], [2, 2]),
        (["a" * (CHARACTERS + 1), "b"], [1, 1]),
        ([], []),
    ],
    ids=["labels", "characters", "one that is long", "none"],
)
def test_a_batch_holds_no_more_than_the_api_takes(receipts: list[str], sizes: list[int]) -> None:
    told = [Outcome(receipt, i, "late") for i, receipt in enumerate(receipts)]
    found = [sum(len(place) for place in places) for _, places in batches(told)]
    assert found == sizes


def test_a_prediction_says_where_it_came_from(client: Client) -> None:
    (found,) = client.predict([ROW])
    assert found == Prediction(
        receipt=found.receipt, row=0, version=3, label="on time", score=found.score
    )


TOLD = {"model": "ferry-delay", "version": 3, "release": "r-3", "receipt": "x.y"}


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (200, {}, "HTTP 200: no answer of an endpoint, without model"),
        (204, {}, "HTTP 204: no answer of an endpoint, without model"),
        (200, {**TOLD, "predictions": None}, "without predictions"),
        (200, {**TOLD, "predictions": [{"value": 1.5}]}, "1 predictions of 3 rows"),
        (200, {**TOLD, "predictions": ["late"] * 3}, "0 predictions of 3 rows"),
    ],
    ids=["a portal", "empty", "null", "fewer", "no objects"],
)
def test_an_answer_without_a_prediction_per_row_is_an_error(
    status: int, body: dict[str, Any], text: str
) -> None:
    for rows in ([ROW] * 3, frame_of(3)):
        with pytest.raises(EndpointError, match=text) as raised:
            client_told(status, body).predict(rows)
        assert raised.value.http_status == status


@pytest.mark.parametrize("body", [{}, {"stored": "1", "changed": 0, "duplicates": 0}])
def test_labels_are_not_taken_for_stored_unless_it_is_told(body: dict[str, Any]) -> None:
    with pytest.raises(EndpointError, match="HTTP 200: no answer of an endpoint, without stored"):
        client_told(200, body).feedback_rows([Outcome("r", 0, "late")])


def test_what_later_endpoints_tell_besides_is_passed_over() -> None:
    told = {**TOLD, "predictions": [{"value": 1.5, "interval": [1, 2]}], "seconds": 0.1}
    client = client_told(200, told)
    assert client.predict([ROW])[0].value == 1.5
    assert list(client.predict(frame_of(1)).columns) == ["value", "version", "receipt", "row"]


@pytest.mark.parametrize("row", ["a", None, 7])
def test_a_refusal_of_a_row_that_was_not_sent_stays_a_refusal(row: object) -> None:
    problem = {"row": row, "column": "row", "rule": "is odd"}
    error = {"type": "InvalidRowsError", "message": "no", "problems": [problem]}
    with pytest.raises(InvalidRowsError, match="is odd"):
        client_told(422, {"error": error}).feedback_rows([Outcome("r", 0, "late")])
