"""`tidegate registry` over a cloud in memory: what served when, why, and made from what."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.fakes import made, packages
from tests.fakes.cloud import FakeCloud
from tests.fakes.onnx_models import CONTRACT
from tests.fakes.signer import FakeSigner
from tidegate.package import keys
from tidegate.package.archive import build_package
from tidegate.package.code_archive import MAX_CODE_BYTES, code_digest
from tidegate.package.inputs import environment_digest, environment_to_text
from tidegate.package.manifest import CONTRACT as CONTRACT_FILE
from tidegate.package.manifest import ENVIRONMENT
from tidegate.registry.values import DataFile, Release, Verdict, VersionDraft
from tidegate_cli import code, data, invocation
from tidegate_cli.code_difference import MAX_LINES, MAX_SHOWN, CodeDifference, code_difference
from tidegate_cli.commands import registry as commands
from tidegate_cli.main import app

NOW = made.later(86_400)  # 2026-11-23 10:00 UTC
HOSTILE = "[red]\x1b[2Jboo[/]"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    made_here = FakeCloud(tmp_path)
    (tmp_path / "cdk.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(invocation, "connect", lambda *_: made_here)
    monkeypatch.setattr(commands, "utc_now", lambda: NOW)
    monkeypatch.setenv("COLUMNS", "220")
    return made_here


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["registry", *words])


def shown(*words: str) -> str:
    result = call(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def answer(*words: str) -> Any:
    return json.loads(shown(*words, "--json"))


def train(cloud: FakeCloud, letter: str, *, minute: int, **changes: Any) -> int:
    at = made.later(60 * minute)
    run = replace(made.run(f"run-{letter}"), started=at, reason=f"new data {letter}")
    cloud.registry.start_run(run, at=at)
    draft: VersionDraft = replace(made.draft(letter), run=run.id, **changes)
    return cloud.registry.register(
        "iris", draft, FakeSigner(), at=at, actor="register", request_id=letter
    ).number


def begin(cloud: FakeCloud, number: int, *, minute: int, weight: int = 0) -> Release:
    at = made.later(60 * minute)
    wanted = replace(made.release(f"r-{number}", number), started=at)
    begun = cloud.registry.begin_release(wanted, lease=timedelta(hours=1), at=at)
    if not weight:
        return begun
    shifted = replace(begun, weight=weight, function_version=str(number))
    return cloud.registry.advance_release(shifted, kind="WeightShifted", at=at, reason="canary")


def promote(cloud: FakeCloud, number: int, *, minute: int) -> None:
    begun = begin(cloud, number, minute=minute, weight=10)
    verdict = Verdict(10, "advance", ("scores agree",), {"rows": 400.0}, begun.started)
    ended = replace(
        begun, state="promoted", weight=100, verdicts=(verdict,), outcome=f"version {number} serves"
    )
    cloud.registry.finish_release(ended, at=made.later(60 * (minute + 1)))


def two_champions_and_a_canary(cloud: FakeCloud) -> None:
    """Version 1 serves from 10:02, 2 from 10:22, 3 gets 10 % at 10:31."""
    promote(cloud, train(cloud, "1", minute=0), minute=1)
    promote(cloud, train(cloud, "2", minute=20), minute=21)
    begin(cloud, train(cloud, "3", minute=30), minute=31, weight=10)


# -- at


def test_at_tells_champion_challenger_cause_and_origin(cloud: FakeCloud) -> None:
    two_champions_and_a_canary(cloud)
    found = answer("at", "iris", "--time", "2026-11-22T10:40Z")
    assert [(s["role"], s["version"], s["percent"]) for s in found["shares"]] == [
        ("champion", 2, 90),
        ("challenger", 3, 10),
    ]
    assert (found["reign"]["release"], found["reign"]["function_version"]) == ("r-2", "2")
    assert found["reign"]["since"] == "2026-11-22T10:22:00.000Z"
    assert (found["cause"]["kind"], found["cause"]["reason"]) == ("WeightShifted", "canary")
    assert found["release"]["id"] == "r-3"
    assert (found["made"]["files"], found["made"]["rows"]) == (1, 3)

    text = shown("at", "iris", "--time", "2026-11-22T11:40+01:00")
    assert "iris at 2026-11-22 10:40:00 UTC" in text
    assert "champion 90 %" in text
    assert "challenger 10 %" in text
    assert "iris@2  release r-2, function version 2, since 2026-11-22 10:22:00 UTC (18 min)" in text
    assert "1 data file(s) of 3 rows, data dddddddddddd, code cccccccccccc" in text


def test_at_an_earlier_time_tells_what_served_then(cloud: FakeCloud) -> None:
    two_champions_and_a_canary(cloud)
    found = answer("at", "iris", "--time", "2026-11-22T10:10Z")
    assert [(s["version"], s["percent"]) for s in found["shares"]] == [(1, 100)]
    assert found["cause"]["kind"] == "ReleasePromoted"
    assert found["cause"]["reason"] == "version 1 serves"


def test_at_skips_events_that_changed_no_traffic(cloud: FakeCloud) -> None:
    two_champions_and_a_canary(cloud)
    found = answer("at", "iris", "--time", "2026-11-22T10:20:30Z")
    assert found["event"]["kind"] == "VersionApproved"  # of version 2
    assert found["cause"]["kind"] == "ReleasePromoted"
    assert found["cause"]["serving"]["champion"] == 1


def test_at_now_is_what_is_meant_without_a_time(cloud: FakeCloud) -> None:
    two_champions_and_a_canary(cloud)
    assert answer("at", "iris")["shares"] == answer("at", "iris", "-t", "now")["shares"]
    assert answer("at", "iris")["time"] == "2026-11-23T10:00:00.000Z"


def test_at_before_the_first_event_says_so(cloud: FakeCloud) -> None:
    text = shown("at", "iris", "--time", "2026-11-22T09:59Z")
    assert "nothing is recorded of the model before that time" in text


def test_at_before_the_first_champion_says_so(cloud: FakeCloud) -> None:
    begin(cloud, train(cloud, "1", minute=0), minute=1, weight=10)
    text = shown("at", "iris", "--time", "2026-11-22T10:05Z")
    assert "none yet: no release had been promoted" in text
    assert "challenger 10 %" in text
    assert answer("at", "iris")["version"] is None


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ("2026-11-22T10:00", "does not say its time zone"),
        ("yesterday", "is no time"),
        ("2026-11-31", "is no time"),
        ("2026-11-23T10:01Z", "is in the future"),
        ("0001-01-01T00:00+10:00", "is no time"),
        ("999999w ago", "is no time"),
    ],
)
def test_a_time_that_says_nothing_is_refused(cloud: FakeCloud, time: str, message: str) -> None:
    result = call("at", "iris", "--time", time)
    assert result.exit_code == 3
    assert message in result.stderr
    assert "hint" in result.stderr


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T10:00+02:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("2h ago", NOW - timedelta(hours=2)),
        ("90 m", NOW - timedelta(minutes=90)),
        ("3d ago", NOW - timedelta(days=3)),
        (" now ", NOW),
    ],
)
def test_times_as_people_type_them(text: str, meant: datetime) -> None:
    assert commands.parse_moment(text, now=NOW) == meant


# -- why


def test_why_tells_the_story_of_a_version(cloud: FakeCloud) -> None:
    lineage = replace(made.lineage(parent=1), git_commit="abcdef" * 6, git_dirty=True)
    two_champions_and_a_canary(cloud)
    number = train(
        cloud,
        "4",
        minute=40,
        lineage=lineage,
        report="reports/iris/run-4/gates.json",
        report_digest=made.digest("9"),
    )
    cloud.registry.quarantine(
        "iris", number=number, at=made.later(3000), actor="eve", reason="leaks the label"
    )
    text = shown("why", "iris@4")
    for part in (
        "iris@4 quarantined",
        "by ann: new data 4",
        "iris@1 was champion",
        "commit abcdefabcdef",
        "with uncommitted changes",
        "depth=6",
        "auc minimum",
        "passed",
        f"gates.json, SHA-256 {made.digest('9')}",
        "by eve: leaks the label",
        "never",
        "by key test-key (HMAC_SHA_256)",
    ):
        assert part in text


def test_why_tells_releases_service_and_what_came_after(cloud: FakeCloud) -> None:
    two_champions_and_a_canary(cloud)
    text = shown("why", "iris", "1")
    assert "r-1 promoted, 2026-11-22 10:01:00 UTC by ann: new version" in text
    assert "10 % advance: scores agree" in text
    assert "2026-11-22 10:02:00 UTC to 2026-11-22 10:22:00 UTC (20 min), release r-1" in text
    assert "replaced by iris@2, release r-2, by ann: version 2 serves" in text
    assert "iris@2 champion: 90 % of the traffic now, as champion" in shown("why", "iris@2")


def test_why_for_machines(cloud: FakeCloud) -> None:
    two_champions_and_a_canary(cloud)
    found = answer("why", "iris@1")
    assert [d["kind"] for d in found["decisions"]] == ["approved"]
    assert found["service"][0]["end"]["version"] == 2
    assert found["run"]["reason"] == "new data 1"


@pytest.mark.parametrize(
    "words", [("why", "iris@9"), ("lineage", "iris@9"), ("diff", "iris", "1", "9")]
)
def test_an_unknown_version_is_not_found(cloud: FakeCloud, words: tuple[str, ...]) -> None:
    train(cloud, "1", minute=0)
    result = call(*words)
    assert result.exit_code == 4
    assert "has no version 9" in result.stderr


@pytest.mark.parametrize("verb", ["at", "history"])
def test_an_unknown_model_is_not_found(cloud: FakeCloud, verb: str) -> None:
    result = call(verb, "rose")
    assert result.exit_code == 4
    assert "no model 'rose'" in result.stderr


# -- history


def test_history_lists_reigns_newest_first(cloud: FakeCloud) -> None:
    two_champions_and_a_canary(cloud)
    found = answer("history", "iris")["reigns"]
    assert [term["reign"]["version"] for term in found] == [2, 1]
    assert [term["until"] for term in found] == [None, "2026-11-22T10:22:00.000Z"]
    text = shown("history", "iris")
    present, past = (line for line in text.splitlines() if line.startswith("2026"))
    assert present.startswith("2026-11-22 10:22:00  23 h 38 min, to now  @2")
    assert past.startswith("2026-11-22 10:02:00  20 min ")
    assert " @1 " in past
    assert [t["reign"]["version"] for t in answer("history", "iris", "-n", "1")["reigns"]] == [2]


def test_history_before_any_champion_says_so(cloud: FakeCloud) -> None:
    assert shown("history", "iris") == "no champion yet\n"


def test_history_shows_the_log_with_the_traffic_after_each_event(cloud: FakeCloud) -> None:
    two_champions_and_a_canary(cloud)
    found = answer("history", "iris", "--events", "-n", "2")["events"]
    assert [event["kind"] for event in found] == ["WeightShifted", "ReleaseStarted"]
    assert "@2, @3 10 %" in shown("history", "iris", "--events", "-n", "1")


# -- diff


def stock(
    cloud: FakeCloud, letter: str, *, minute: int, numpy: str, files: dict[str, bytes]
) -> int:
    """Register a version whose package and code are stored."""
    lines = ("python==3.13.1", f"numpy=={numpy}")
    digest = code_digest(files)
    lineage = replace(
        packages.LINEAGE,
        code_digest=digest,
        environment_digest=environment_digest(lines),
        params={"depth": len(files)},
    )
    content = {
        **packages.package_files(),
        ENVIRONMENT: environment_to_text(lines),
        CONTRACT_FILE: replace(CONTRACT, max_rows=len(files)).to_json(),
    }
    package = build_package(content, model="ferry-delay", lineage=lineage, metrics={"rmse": 1.5})
    found = hashlib.sha256(package).hexdigest()
    cloud.artifacts.put(keys.package_file("iris", found), package)
    cloud.artifacts.put(keys.code_archive("iris", digest), code.pack(files))
    return train(
        cloud,
        letter,
        minute=minute,
        lineage=lineage,
        package_digest=found,
        metrics={"auc": 0.8 + minute / 1000},
    )


OLD_CODE = {"train.py": b"a = 1\nb = [2]\n", "icon.png": b"\x89PNG\0\xff", "same.py": b"x\n"}
NEW_CODE = {
    "train.py": b"a = 1\nb = [3]\n\x1b[2J\n",
    "icon.png": b"\x89PNG\0\xfe",
    "same.py": b"x\n",
    "new.py": b"",
}


def test_diff_shows_data_code_parameters_environment_and_metrics(cloud: FakeCloud) -> None:
    stock(cloud, "1", minute=0, numpy="2.4.6", files=OLD_CODE)
    stock(cloud, "2", minute=10, numpy="2.5.0", files=NEW_CODE)
    text = shown("diff", "iris", "1", "2")
    for part in (
        "iris@1 -> iris@2",
        "3 -> 3 rows, the same files",
        "train.py  +2 -1",
        "binary, 6 -> 6 bytes",
        "new.py    +0 -0",
        "depth",
        "3 -> 4",
        "numpy  2.4.6 -> 2.5.0",
        "max_rows  3 -> 4",
        "+0.01",
        "better",
    ):
        assert part in text
    assert "same.py" not in text
    assert "b = [3]" not in text  # folded
    assert shown("diff", "iris@1", "iris@2") == text


def test_diff_shows_lines_of_code_as_they_are_and_inert(cloud: FakeCloud) -> None:
    stock(cloud, "1", minute=0, numpy="2.4.6", files=OLD_CODE)
    stock(cloud, "2", minute=10, numpy="2.4.6", files=NEW_CODE)
    text = shown("diff", "iris", "1", "2", "--code")
    assert "-b = [2]\n+b = [3]\n" in text
    assert "\x1b[2J" not in text
    folded, whole = (answer("diff", "iris", "1", "2", *more)["code"] for more in ((), ("--code",)))
    assert {one["path"]: len(one["lines"]) for one in folded["files"]}["train.py"] == 0
    lines = next(one["lines"] for one in whole["files"] if one["path"] == "train.py")
    assert lines[:2] == ["--- a/train.py", "+++ b/train.py"]


def test_diff_falls_back_to_digests_when_package_and_code_are_gone(cloud: FakeCloud) -> None:
    stock(cloud, "1", minute=0, numpy="2.4.6", files=OLD_CODE)
    train(cloud, "2", minute=10)
    text = shown("diff", "iris", "1", "2")
    assert "a package is no longer stored" in text
    assert "an archive is no longer stored" in text
    found = answer("diff", "iris", "1", "2")
    assert (found["difference"]["environment"], found["code"]) == (None, None)


def test_diff_names_data_files_that_changed(cloud: FakeCloud) -> None:
    old = DataFile("data/iris/a.csv.gz", "v1", made.digest("e"), 10, 5)
    train(cloud, "1", minute=0, inputs=(old,))
    fresh = DataFile("data/iris/b.csv.gz", "v1", made.digest("3"), 7, 2)
    train(cloud, "2", minute=1, inputs=(replace(old, checksum=made.digest("f"), rows=6), fresh))
    text = shown("diff", "iris", "1", "2")
    assert "5 -> 8 rows" in text
    assert "data/iris/a.csv.gz  5 -> 6" in text
    assert "eeeeeeeeeeee -> ffffffffffff" in text


def test_diff_refuses_an_archive_that_is_other_code(cloud: FakeCloud) -> None:
    stock(cloud, "1", minute=0, numpy="2.4.6", files=OLD_CODE)
    stock(cloud, "2", minute=10, numpy="2.4.6", files=NEW_CODE)
    key = keys.code_archive("iris", code_digest(NEW_CODE))
    for content, message in (
        (code.pack(OLD_CODE), "holds other code than its digest"),
        (b"no zip", "can't be read"),
        (bomb(), "bytes of code"),
    ):
        cloud.artifacts.put(key, content, overwrite=True)
        result = call("diff", "iris", "1", "2")
        assert result.exit_code == 1
        assert message in result.stderr


def changed(cloud: FakeCloud, old: bytes, new: bytes) -> CodeDifference:
    """Compare two folders of one file."""
    digests = []
    for content in (old, new):
        files = {"train.py": content}
        digests.append(code_digest(files))
        key = keys.code_archive("iris", digests[-1])
        cloud.artifacts.put(key, code.pack(files), overwrite=True)
    found = code_difference(cloud.artifacts, "iris", *digests)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (b"a\n", b"a", "only the end of the last line"),
        (b"a\n", b"a\0", "binary, 2 -> 2 bytes"),
        (b"a\n", b"a\n" * (MAX_LINES + 1), "more than 5,000 lines"),
    ],
)
def test_a_file_without_lines_to_show_says_why(
    cloud: FakeCloud, old: bytes, new: bytes, note: str
) -> None:
    (file,) = changed(cloud, old, new).files
    assert (file.note, file.lines) == (note, ())


def test_the_lines_of_a_long_diff_are_counted_beyond_the_bound(cloud: FakeCloud) -> None:
    found = changed(cloud, b"", b"a\n" * (MAX_SHOWN + 10))
    (file,) = found.files
    assert (file.added, file.removed) == (MAX_SHOWN + 10, 0)
    assert len(file.lines) == MAX_SHOWN
    assert found.left_out == 10 + 3  # with the three lines of its head


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.py", bytes(MAX_CODE_BYTES + 1))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "words",
    [("iris", "1"), ("iris@1", "rose@2"), ("iris@1", "2", "3"), ("iris", "one", "2")],
)
def test_diff_wants_two_versions_of_one_model(cloud: FakeCloud, words: tuple[str, ...]) -> None:
    result = call("diff", *words)
    assert result.exit_code == 3
    assert "expected NAME" in result.stderr


# -- lineage


def test_lineage_goes_up_to_files_and_parents(cloud: FakeCloud) -> None:
    train(cloud, "1", minute=0)
    train(cloud, "2", minute=1, lineage=made.lineage(parent=1))
    train(cloud, "3", minute=2, lineage=made.lineage(parent=2))
    text = shown("lineage", "iris@3")
    assert "data/iris/a.csv.gz 3 rows, 12 bytes" in text
    assert text.index("parent iris@2") < text.index("parent iris@1") < text.index("no parent")
    assert [one["number"] for one in answer("lineage", "iris@3")["parents"]] == [2, 1]


def test_lineage_as_a_picture(cloud: FakeCloud, tmp_path: Path) -> None:
    train(cloud, "1", minute=0)
    shown("lineage", "iris", "1", "--svg", "lineage.svg")
    assert ET.parse(tmp_path / "lineage.svg").getroot().tag.endswith("svg")
    result = call("lineage", "iris@1", "--svg", "nowhere/lineage.svg")
    assert result.exit_code == 3
    assert "can't be written" in result.stderr


# -- made-from


def pushed(content: bytes, letter: str = "1") -> DataFile:
    stored = data.pack(content)
    digest = hashlib.sha256(stored).hexdigest()
    return DataFile("data/iris/january.csv.gz", f"v{letter}", digest, len(stored), 2)


def test_made_from_finds_a_file_however_it_is_compressed(cloud: FakeCloud, tmp_path: Path) -> None:
    content = b"wind\n1\n2\n"
    promote(cloud, train(cloud, "1", minute=0, inputs=(pushed(content),)), minute=1)
    (tmp_path / "january.csv").write_bytes(content)
    (tmp_path / "january.csv.gz").write_bytes(gzip.compress(content, compresslevel=1))
    for name in ("january.csv", "january.csv.gz", pushed(content).checksum.upper()):
        (use,) = answer("made-from", name)["uses"]
        assert (use["version"]["number"], use["shares"][0]["percent"]) == (1, 100)
    text = shown("made-from", "january.csv")
    assert "iris@1 champion" in text
    assert "serves now: champion 100 %" in text


def test_made_from_a_key_finds_whatever_it_held(cloud: FakeCloud) -> None:
    for number, content in enumerate((b"wind\n1\n", b"wind\n2\n"), start=1):
        file = pushed(content, str(number))
        promote(
            cloud,
            train(cloud, str(number), minute=10 * number, inputs=(file,)),
            minute=10 * number + 1,
        )
    train(cloud, "3", minute=40)  # of other files
    key = "data/iris/january.csv.gz"
    for name in (key, f"s3://artifacts/{key}"):
        assert [use["version"]["number"] for use in answer("made-from", name)["uses"]] == [2, 1]
    text = shown("made-from", key)
    assert "serves now: champion 100 %" in text
    assert "does not serve; last champion from 2026-11-22 10:12:00 UTC" in text
    assert "object version v1" in text


def test_made_from_a_digest_of_the_code_names_what_it_was(cloud: FakeCloud) -> None:
    train(cloud, "1", minute=0)
    text = shown("made-from", made.digest("c"))
    assert "as its code cccccccccccc" in text
    assert "never served" in text


def test_made_from_nothing_known_says_so(cloud: FakeCloud, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_bytes(b"x")
    assert "no version was made from it" in shown("made-from", "other.csv")
    assert answer("made-from", made.digest("0"))["uses"] == []


@pytest.mark.parametrize(("what", "message"), [("nowhere.csv", "is no file"), (".", "is a folder")])
def test_made_from_wants_a_file_a_key_or_a_digest(
    cloud: FakeCloud, what: str, message: str
) -> None:
    result = call("made-from", what)
    assert result.exit_code == 3
    assert message in result.stderr


def test_made_from_a_broken_gzip_names_the_file(cloud: FakeCloud, tmp_path: Path) -> None:
    (tmp_path / "broken.csv.gz").write_bytes(gzip.compress(b"wind\n1\n")[:-9])
    result = call("made-from", "broken.csv.gz")
    assert result.exit_code == 3
    assert "broken.csv.gz: can't be read" in result.stderr


# -- text of users


def test_text_of_users_is_shown_as_it_is_and_does_nothing(cloud: FakeCloud) -> None:
    lineage = replace(made.lineage(), params={"note": HOSTILE}, training_job=HOSTILE)
    gates = (replace(made.gate(), reason=HOSTILE),)
    number = train(cloud, "1", minute=0, lineage=lineage, gates=gates)
    begun = replace(begin(cloud, number, minute=1), state="promoted", outcome=HOSTILE)
    cloud.registry.finish_release(begun, at=made.later(120))
    train(cloud, "2", minute=5)
    for words in (
        ("at", "iris"),
        ("why", "iris@1"),
        ("history", "iris"),
        ("history", "iris", "--events"),
        ("diff", "iris", "1", "2"),
        ("lineage", "iris@1"),
    ):
        text = shown(*words)
        assert "[red]\ufffd[2Jboo[/]" in text, words
        assert "\x1b" not in text, words
