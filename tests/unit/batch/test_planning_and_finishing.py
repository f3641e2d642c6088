"""A plan fixes version and inputs once; a manifest says what became of each."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import sides
from tests.fakes.batch_objects import DIGEST, VERSION, MemoryObjects, workshop
from tests.fakes.training_house import NOW, TrainingHouse, project_of
from tests.fakes.training_samples import contract_of
from tidegate.batch.addresses import Buckets
from tidegate.batch.finishing import NOT_DONE, Ending, finish
from tidegate.batch.house import House
from tidegate.batch.planning import Plan, choose_version, make_plan, read_items
from tidegate.batch.values import Manifest, Order
from tidegate.batch.working import score_piece
from tidegate.decoding import decode, parse_json
from tidegate.errors import BatchError, NotFoundError, RequestError

HEADER = "wind,gusts,harbour,boats,holiday\n"
GOOD = f"{HEADER}12.5,1.0,south,2,false\n,1.0,west,2,true\n"
ORDER = Order(
    job="ferry-delay-1",
    model="ferry-delay",
    source="s3://own/batch/in/",
    out="s3://own/batch/out",
    actor="jane",
    reason="why",
)
STARTED, ENDED = "2026-11-24T10:00:00.000Z", "2026-11-24T10:05:00.000Z"


@pytest.fixture
def objects() -> MemoryObjects:
    made = MemoryObjects()
    for name in ("a.csv", "day/b.csv"):
        made.put("own", f"batch/in/{name}", GOOD.encode())
    made.put("own", "batch/in/_SUCCESS", b"")
    return made


def house_of(objects: MemoryObjects, *others: str) -> House:
    sample = TrainingHouse(project_of(contract_of("binary")))
    return House(sample.registry, objects, Buckets("own", others))


def plan_of(objects: MemoryObjects, order: Order = ORDER, *others: str) -> Plan:
    return make_plan(order, VERSION, house_of(objects, *others), STARTED)


def run(objects: MemoryObjects, folder: Path, order: Order = ORDER) -> Ending:
    """Do a whole job in this process."""
    plan, house = plan_of(objects, order), house_of(objects)
    for piece in read_items(plan, house):
        try:
            score_piece(piece, workshop(objects, folder))
        except BatchError:
            continue
    return finish(order, plan, house, ENDED)


def manifest_of(objects: MemoryObjects) -> Manifest:
    data = objects.get("own", "batch/out/manifest.json")
    assert data is not None
    return decode(Manifest, parse_json(data))


def test_items_are_the_objects_of_known_formats(objects: MemoryObjects) -> None:
    plan = plan_of(objects)
    items = read_items(plan, house_of(objects))

    assert plan.items == "batch-jobs/ferry-delay/ferry-delay-1/items.json"
    assert [(i.source.key, i.out_key) for i in items] == [
        ("batch/in/a.csv", "batch/out/a.csv"),
        ("batch/in/day/b.csv", "batch/out/day/b.csv"),
    ]
    assert {(i.version, i.digest) for i in items} == {(3, DIGEST)}
    assert Plan.from_event(json.loads(json.dumps(asdict(plan)))) == plan


def test_another_format_is_added_to_the_name(objects: MemoryObjects) -> None:
    objects.put("own", "batch/in/a.jsonl", b"{}")
    plan = plan_of(objects, replace(ORDER, format="jsonl"))

    names = [item.out_key for item in read_items(plan, house_of(objects))]
    assert names == ["batch/out/a.csv.jsonl", "batch/out/a.jsonl", "batch/out/day/b.csv.jsonl"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "batch/in"}, "s3://bucket/prefix is expected"),
        ({"source": "s3://own/packages/"}, "batch jobs use s3://own/batch/... only"),
        ({"out": "s3://own/packages/x"}, "batch jobs use s3://own/batch/... only"),
        ({"out": "s3://elsewhere/x"}, "bucket 'elsewhere' is not open to batch jobs"),
        ({"out": "s3://own/batch/../packages"}, "'.', '..' and empty parts"),
        ({"out": "s3://own/batch//x"}, "'.', '..' and empty parts"),
        ({"out": "s3://own/batch/x\n"}, "not printable"),
        ({"out": "s3://own/batch/in/out"}, "lie within each other"),
        ({"source": "s3://own/batch/out/in"}, "lie within each other"),
        ({"source": "s3://own/batch/nothing"}, "no .csv, .jsonl or .parquet object"),
        ({"job": "../x"}, "is no job id"),
        ({"tolerated_percent": 101}, "0 to 100 is expected"),
        ({"concurrency": 0}, "1 to 1000 is expected"),
        ({"keep": ("id", "day", "id")}, "--keep id: the output has a column of that name already"),
        ({"keep": ("problem",)}, "--keep problem: the output has a column of that name already"),
    ],
)
def test_an_order_that_cannot_be_done_is_refused(
    objects: MemoryObjects, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError) as caught:
        plan_of(objects, replace(ORDER, **change))
    assert message in str(caught.value)


@pytest.mark.parametrize("keep", [("ID", "id"), ("Row",)])
def test_names_that_parquet_takes_for_one_are_refused_where_an_output_is_parquet(
    objects: MemoryObjects, keep: tuple[str, ...]
) -> None:
    order = replace(ORDER, keep=keep)
    assert plan_of(objects, order).objects == 2

    with pytest.raises(BatchError, match=r"'(ID|row)' and '(id|Row)' .* --format csv or jsonl"):
        plan_of(objects, replace(order, format="parquet"))
    objects.put("own", "batch/in/c.parquet", b"")
    with pytest.raises(BatchError, match="letters' case"):
        plan_of(objects, order)


def test_a_bucket_of_the_list_may_be_used(objects: MemoryObjects) -> None:
    objects.put("lake", "flights/a.csv", GOOD.encode())
    order = replace(ORDER, source="s3://lake/flights/a.csv", out="s3://lake/scored/")

    (item,) = read_items(plan_of(objects, order, "lake"), house_of(objects))
    assert (item.out_bucket, item.out_key) == ("lake", "scored/a.csv")


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ("in/day1.csv", ["in/day1.csv"]),
        ("in/day1", ["in/day1.csv", "in/day1.csv.bak.csv", "in/day1/x.csv", "in/day10.csv"]),
        ("in/day1/", ["in/day1/x.csv"]),
    ],
    ids=["object", "prefix", "folder"],
)
def test_the_address_of_an_object_means_it_alone(source: str, keys: list[str]) -> None:
    objects = MemoryObjects()
    for name in ("day1/", "day1.csv", "day1.csv.bak.csv", "day1/x.csv", "day10.csv"):
        objects.put("own", f"batch/in/{name}", GOOD.encode() if name != "day1/" else b"")
    plan = plan_of(objects, replace(ORDER, source=f"s3://own/batch/{source}"))

    found = [item.source.key for item in read_items(plan, house_of(objects))]
    assert found == [f"batch/{key}" for key in keys]


def test_an_object_beyond_the_limit_is_refused_by_name(
    objects: MemoryObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.batch.planning.MAX_OBJECT_BYTES", 10)

    with pytest.raises(RequestError, match=r"batch/in/a\.csv has \d+ bytes.*split it"):
        plan_of(objects)


def test_the_event_of_an_order_is_checked_field_by_field() -> None:
    event = {**asdict(ORDER), "keep": ["id"], "concurrency": "many"}

    with pytest.raises(RequestError, match="batch order: concurrency: a whole number is expected"):
        Order.from_event(event)


def test_without_a_champion_or_with_an_unusable_version_nothing_is_planned(
    objects: MemoryObjects,
) -> None:
    house = house_of(objects)

    with pytest.raises(NotFoundError, match="has no champion"):
        choose_version(replace(ORDER, model="sample"), house)
    with pytest.raises(NotFoundError):
        choose_version(replace(ORDER, model="sample", version=7), house)


def test_a_quarantined_version_is_not_used() -> None:
    side = sides.House("dev", "1" * 12)
    side.train()
    house = House(side.registry, MemoryObjects(), Buckets("own"))
    order = replace(ORDER, version=1)

    assert choose_version(order, house).number == 1
    side.registry.quarantine("ferry-delay", number=1, at=NOW, actor="eve", reason="wrong")
    with pytest.raises(RequestError, match="ferry-delay@1 is quarantined; choose another"):
        choose_version(order, house)


def test_a_manifest_names_every_byte_that_was_read_and_written(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    ending = run(objects, tmp_path)
    found = manifest_of(objects)

    assert ending.status == found.status == "complete"
    assert ending.manifest == "s3://own/batch/out/manifest.json"
    assert (found.version, found.package_digest, found.started, found.ended) == (
        3, DIGEST, STARTED, ENDED,
    )  # fmt: skip
    assert asdict(found.totals) == {
        "objects": 2, "succeeded": 2, "failed": 0, "reused": 0, "rows": 4, "bad_rows": 0,
    }  # fmt: skip
    for part in found.objects:
        assert part.output is not None
        for stored in (part.input, part.output):
            assert objects.checksum(stored.bucket, stored.key) == stored.sha256


@pytest.mark.parametrize(
    ("tolerated", "status"), [(0, "failed"), (33, "failed"), (34, "incomplete")]
)
def test_failures_are_named_and_judged_by_the_bound(
    objects: MemoryObjects, tmp_path: Path, tolerated: int, status: str
) -> None:
    objects.put("own", "batch/in/broken.csv", b"wind\n1\n")
    ending = run(objects, tmp_path, replace(ORDER, tolerated_percent=tolerated))

    assert ending.status == status
    ((key, error),) = ending.failures
    assert key == "batch/in/broken.csv"
    assert error.startswith("BatchError: batch/in/broken.csv: column(s) gusts")
    assert [part.error for part in manifest_of(objects).failures] == [error]


def test_a_second_job_goes_on_where_the_first_stopped(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    plan, house = plan_of(objects), house_of(objects)
    score_piece(read_items(plan, house)[0], workshop(objects, tmp_path))
    first = finish(ORDER, plan, house, ENDED)
    second = run(objects, tmp_path, replace(ORDER, job="ferry-delay-2"))

    assert (first.status, first.failures) == ("failed", (("batch/in/day/b.csv", NOT_DONE),))
    assert (second.status, second.totals.reused) == ("complete", 1)
    assert objects.fetched == ["batch/in/a.csv", "batch/in/day/b.csv"]


@pytest.mark.parametrize(
    ("spoil", "change"),
    [
        (lambda objects: objects.objects.pop(("own", "batch/out/a.csv")), {}),
        (lambda objects: objects.put("own", "batch/out/a.csv", b"other bytes"), {}),
        (lambda _: None, {"resume": False}),
    ],
    ids=["output-gone", "output-changed", "no-resume"],
)
def test_an_earlier_record_is_no_proof_when_the_worker_died(
    objects: MemoryObjects, tmp_path: Path, spoil: Any, change: dict[str, Any]
) -> None:
    run(objects, tmp_path, replace(ORDER, source="s3://own/batch/in/a.csv"))
    spoil(objects)
    order = replace(ORDER, job="ferry-delay-2", source="s3://own/batch/in/a.csv", **change)
    plan = plan_of(objects, order)

    for _ in range(2):  # the machine calls Finish again when its answer is lost
        ending = finish(order, plan, house_of(objects), ENDED)
        assert (ending.status, ending.totals.reused) == ("failed", 0)
        assert ending.failures == (("batch/in/a.csv", NOT_DONE),)
    assert manifest_of(objects).objects == ()


def test_an_output_that_lies_there_as_recorded_is_taken_though_the_worker_died(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    run(objects, tmp_path)
    order = replace(ORDER, job="ferry-delay-2")
    ending = finish(order, plan_of(objects, order), house_of(objects), ENDED)

    assert (ending.status, ending.totals.reused) == ("complete", 2)


def test_what_was_done_again_on_demand_is_this_jobs(objects: MemoryObjects, tmp_path: Path) -> None:
    run(objects, tmp_path)
    ending = run(objects, tmp_path, replace(ORDER, job="ferry-delay-2", resume=False))

    assert (ending.status, ending.totals.reused) == ("complete", 0)


def test_the_reason_of_an_earlier_job_is_not_told_again(
    objects: MemoryObjects, tmp_path: Path
) -> None:
    objects.put("own", "batch/in/broken.csv", b"wind\n1\n")
    run(objects, tmp_path)
    order = replace(ORDER, job="ferry-delay-2")
    ending = finish(order, plan_of(objects, order), house_of(objects), ENDED)

    assert ending.failures == (("batch/in/broken.csv", NOT_DONE),)


def test_outputs_of_two_packages_are_not_mixed(objects: MemoryObjects, tmp_path: Path) -> None:
    run(objects, tmp_path)
    other = replace(VERSION, number=4, package_digest="e" * 64)

    with pytest.raises(RequestError, match="holds the outputs of ferry-delay@3"):
        make_plan(ORDER, other, house_of(objects), STARTED)
