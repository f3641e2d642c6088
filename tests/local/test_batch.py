"""A batch job, end to end: three formats, a broken object, a manifest, and nothing done twice."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.local.support import ADELIE, Checkout, Second
from tidegate.client import Api
from tidegate_cli.cloud import Cloud

ROWS = [{**ADELIE, "id": f"p{i}", "bill_length_mm": 32.0 + i / 4} for i in range(100)]
BAD = {**ADELIE, "id": "bad", "island": "Atlantis"}
IN, OUT = "batch/penguins/in/", "batch/penguins/out"


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_parquet(rows: list[dict[str, Any]], folder: Path) -> bytes:
    lines, path = folder / "rows.jsonl", folder / "rows.parquet"
    lines.write_bytes(as_lines(rows))
    duckdb.sql(f"COPY (SELECT * FROM read_json('{lines}')) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


@pytest.fixture(scope="module")
def inputs(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("batch")
    files = {
        "a.csv": as_csv([*ROWS, BAD]),
        "b.jsonl": as_lines(ROWS),
        "day=1/c.parquet": as_parquet(ROWS, folder),
        "broken.csv": b"island,bill_length_mm\nBiscoe,1\n",
        "_SUCCESS": b"",
    }
    for name, data in files.items():
        cloud.artifacts.put(f"{IN}{name}", data)


@pytest.fixture(scope="module")
def job(checkout: Checkout, cloud: Cloud, second: Second, inputs: None) -> dict[str, Any]:
    return run(checkout, "--tolerate", "25")


def run(checkout: Checkout, *words: str, status: int = 0) -> dict[str, Any]:
    command = ("batch", "penguins", "penguins/in/", "--out", OUT, "--keep", "id", *words)
    answer: dict[str, Any] = json.loads(checkout.tidegate("--json", *command, status=status))
    return answer


def manifest(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cloud.artifacts.get(f"{OUT}/manifest.json"))
    return found


def test_objects_are_scored_and_a_broken_one_is_tolerated(job: dict[str, Any]) -> None:
    assert job["status"] == "incomplete"
    assert job["totals"] == {
        "objects": 4, "succeeded": 3, "failed": 1, "reused": 0, "rows": 301, "bad_rows": 1,
    }  # fmt: skip
    ((failure),) = job["failures"]
    assert failure["object"] == f"{IN}broken.csv"
    assert "are missing" in failure["error"]


def test_the_manifest_names_the_very_bytes(cloud: Cloud, job: dict[str, Any]) -> None:
    found = manifest(cloud)
    champion = cloud.registry.champion("penguins")
    assert champion is not None

    assert (found["job"], found["version"]) == (job["job"], champion.number)
    assert found["package_digest"] == champion.package_digest
    assert len(found["objects"]) == 3
    for part in found["objects"]:
        for stored in (part["input"], part["output"]):
            data = cloud.artifacts.get(stored["key"], version_id=stored["version_id"])
            assert hashlib.sha256(data).hexdigest() == stored["sha256"], stored["key"]


def test_every_format_has_the_answers_of_the_endpoint(
    cloud: Cloud, http: Api, job: dict[str, Any], tmp_path: Path
) -> None:
    plain = [{key: value for key, value in row.items() if key != "id"} for row in ROWS]
    told = [p["label"] for p in http.predict("penguins", records=plain).body["predictions"]]
    path = tmp_path / "c.parquet"
    path.write_bytes(cloud.artifacts.get(f"{OUT}/day=1/c.parquet"))
    lines = cloud.artifacts.get(f"{OUT}/b.jsonl").decode().splitlines()
    table = list(csv.DictReader(io.StringIO(cloud.artifacts.get(f"{OUT}/a.csv").decode())))

    assert [row["label"] for row in table[:-1]] == told
    assert [json.loads(line)["label"] for line in lines] == told
    stored = duckdb.sql(f"SELECT id, label FROM read_parquet('{path}') ORDER BY row").fetchall()
    assert stored == [(row["id"], label) for row, label in zip(ROWS, told, strict=True)]
    assert (table[-1]["id"], table[-1]["label"]) == ("bad", "")
    assert table[-1]["problem"].startswith("island must be one of")


def test_a_second_job_does_only_what_is_missing_and_fails_without_tolerance(
    checkout: Checkout, cloud: Cloud, job: dict[str, Any]
) -> None:
    before = {part["output"]["key"]: part["output"] for part in manifest(cloud)["objects"]}
    again = run(checkout, status=1)

    assert (again["status"], again["totals"]["reused"]) == ("failed", 3)
    after = {part["output"]["key"]: part["output"] for part in manifest(cloud)["objects"]}
    assert after == before
    for key, output in before.items():
        (found,) = cloud.artifacts.list(key)
        assert found.version_id == output["version_id"], "it was written again"


def test_a_job_is_looked_up_by_its_id(checkout: Checkout, job: dict[str, Any]) -> None:
    found = checkout.json("batch", "status", job["job"])

    assert (found["objects"], found["done"], found["failed"]) == (4, 3, 1)


@pytest.mark.parametrize("prefix", ["packages/penguins/", "batch-jobs/"])
def test_nothing_else_of_the_bucket_is_open(
    checkout: Checkout, cloud: Cloud, second: Second, prefix: str
) -> None:
    own = f"s3://{cloud.settings.artifacts_bucket}/{prefix}"
    command = ("--json", "batch", "penguins", "penguins/in/", "--out", own)
    answer = json.loads(checkout.tidegate(*command, status=1))

    assert "batch jobs use s3://" in answer["error"]
