"""Versions: numbered once, complete or nothing, found by what they were made from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.faulty_store import FaultyStore, InterruptedCommitError
from tests.fakes.made import PATIENT, START, digest, draft, later
from tests.fakes.signer import FakeSigner
from tidegate.errors import IllegalTransitionError, NotFoundError, RequestError
from tidegate.registry.book import Registry
from tidegate.registry.retries import Retries
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import DataFile, Input, Signature, Version, VersionDraft

CROWD = Retries(attempts=1000, base=0.2, cap=5.0)


def book_of(store: RegistryStore, retries: Retries = PATIENT) -> Registry:
    book = Registry(store, FakeAnnouncer(), retries=retries)
    book.ensure_model("iris", owner="ann", at=START, actor="ann")
    return book


def of_files(count: int, letter: str = "a") -> VersionDraft:
    """Return a draft with so many data files, handed in backwards."""
    files = [DataFile(f"data/{n:04d}.csv", "v1", f"{n:064x}", n, n) for n in range(count)]
    return replace(draft(letter), inputs=tuple(files[::-1]))


def signature(version: Version) -> Signature:
    return Signature(version.model, version.number, "key-1", "ES256", "c2ln")


def test_threads_get_as_many_numbers(store: RegistryStore, crowd: int) -> None:
    book = book_of(store, CROWD)

    def reserve(index: int) -> Version:
        made = draft(f"{index:02x}"[-1])
        return book.reserve("iris", made, at=START, actor="t", request_id=f"run-{index}")

    with ThreadPoolExecutor(crowd) as pool:
        made = list(pool.map(reserve, range(crowd)))
    assert sorted(version.number for version in made) == list(range(1, crowd + 1))
    stored = {version.number: version for version in store.newest(Version, "iris", 0)}
    assert stored == {version.number: version for version in made}
    assert [event.sequence for event in book.events("iris")] == list(range(1, crowd + 2))


def test_thousands_of_data_files_are_recorded_in_order(store: RegistryStore, many: int) -> None:
    _register_files(store, many)


@pytest.mark.parametrize("count", [0, 1, 77, 78, 157, 158])
def test_every_data_file_is_recorded_in_order(store: RegistryStore, count: int) -> None:
    _register_files(store, count)


def _register_files(store: RegistryStore, count: int) -> None:
    book = book_of(store)
    made = of_files(count)
    version = book.register("iris", made, FakeSigner(), at=START, actor="t", request_id="run-1")
    found = book.inputs("iris", 1)
    files = [
        DataFile(one.key, one.version_id, one.digest, one.size, one.rows) for one in found[:count]
    ]
    assert files == sorted(made.inputs, key=lambda file: file.key)
    assert [(one.kind, one.index) for one in found[:count]] == [("data", n) for n in range(count)]
    assert [(one.kind, one.digest) for one in found[count:]] == [
        ("code", digest("c")),
        ("dataset", digest("d")),
        ("environment", digest("e")),
    ]
    assert (version.status, version.files) == ("approved", count)
    recorded = [event.kind for event in book.events("iris")].count("InputsRecorded")
    assert recorded == (count + 3 - 1) // 80


@pytest.mark.parametrize("died", range(5))
@pytest.mark.parametrize("how", ["crash", "lost"])
def test_a_registration_that_died_goes_on_where_it_stopped(
    store: RegistryStore, died: int, how: str
) -> None:
    faulty = FaultyStore(store)
    book = book_of(faulty)  # type: ignore[arg-type]  # all but commit is the inner one's
    before = book.meta("iris").rev
    faulty.faults.extend(["none"] * died + [how])  # type: ignore[list-item]
    made, signer = of_files(158), FakeSigner()

    def register(at: float) -> Version:
        return book.register("iris", made, signer, at=later(at), actor="t", request_id="run-1")

    with pytest.raises(InterruptedCommitError):
        register(0)
    whole = register(9)
    assert (whole.number, whole.status) == (1, "approved")
    assert len(book.inputs("iris", 1)) == 161
    assert book.meta("iris").rev == before + 5  # reserved, twice more files, signed, approved
    again = book.register("iris", draft("b"), signer, at=START, actor="t", request_id="run-2")
    assert again.number == 2


def test_a_version_without_all_its_inputs_is_not_completed(store: RegistryStore) -> None:
    faulty = FaultyStore(store)
    book = book_of(faulty)  # type: ignore[arg-type]
    faulty.faults.extend(["none", "none", "crash"])
    with pytest.raises(InterruptedCommitError):
        book.reserve("iris", of_files(158), at=START, actor="t", request_id="run-1")
    pending, rev = book.version("iris", 1), book.meta("iris").rev
    with pytest.raises(RequestError, match="not all of its 158 data files are recorded"):
        book.complete("iris", number=1, signature=signature(pending), at=START, actor="t")
    assert book.version("iris", 1) == pending
    assert book.meta("iris").rev == rev
    with pytest.raises(NotFoundError, match="has no signature"):
        book.signature("iris", 1)


def test_a_signature_of_another_version_or_model_is_refused(store: RegistryStore) -> None:
    book = book_of(store)
    pending = book.reserve("iris", draft(), at=START, actor="t", request_id="run-1")
    for other in ({"version": 2}, {"model": "rose"}):
        moved = replace(signature(pending), **other)  # type: ignore[arg-type]
        with pytest.raises(RequestError, match="not of version 1 of 'iris'"):
            book.complete("iris", number=1, signature=moved, at=START, actor="t")
    assert book.version("iris", 1).status == "pending"
    done = book.complete("iris", number=1, signature=signature(pending), at=START, actor="t")
    assert done.status == "candidate"
    assert book.signature("iris", 1) == signature(pending)


def test_a_version_that_was_given_up_stays_so_and_keeps_its_number(store: RegistryStore) -> None:
    book, signer = book_of(store), FakeSigner()
    pending = book.reserve("iris", draft(), at=START, actor="t", request_id="run-1")
    for _ in range(2):
        failed = book.fail_version("iris", number=1, at=START, actor="sweep", reason="it died")
        assert failed.status == "failed"
    with pytest.raises(IllegalTransitionError, match="was given up before it was complete"):
        book.register("iris", draft(), signer, at=START, actor="t", request_id="run-1")
    with pytest.raises(IllegalTransitionError, match="failed and can't become candidate"):
        book.complete("iris", number=1, signature=signature(pending), at=START, actor="t")
    with pytest.raises(IllegalTransitionError, match="failed and can't become approved"):
        book.approve("iris", number=1, at=START, actor="ann", override="please")
    made = book.register("iris", draft(), signer, at=START, actor="t", request_id="run-2")
    assert made.number == 2
    assert signer.signed == 1


def test_only_a_pending_version_is_given_up(store: RegistryStore) -> None:
    book = book_of(store)
    made = book.register("iris", draft(), FakeSigner(), at=START, actor="t", request_id="run-1")
    rev = book.meta("iris").rev
    assert book.fail_version("iris", number=1, at=START, actor="sweep", reason="late") == made
    assert book.meta("iris").rev == rev


def test_a_digest_finds_every_version_of_every_model(store: RegistryStore) -> None:
    book, signer = book_of(store), FakeSigner()
    book.ensure_model("rose", owner="ann", at=START, actor="ann")
    for model, request, letter in (
        ("rose", "run-1", "1"), ("iris", "run-1", "1"), ("iris", "run-2", "2"),
        ("iris", "run-3", "1"),
    ):  # fmt: skip
        file = DataFile(f"data/{request}.csv", "v1", digest(letter), 5, 1)
        made = replace(draft(), inputs=(file,))
        book.register(model, made, signer, at=START, actor="t", request_id=request)
    found = book.made_from(digest("1"))
    assert [(one.model, one.version) for one in found] == [("iris", 1), ("iris", 3), ("rose", 1)]
    assert {type(one) for one in found} == {Input}
    assert [one.kind for one in book.made_from(digest("c"))] == ["code"] * 4
    assert book.made_from(digest("a")) == ()  # a package is nothing that a version is made from
    assert book.made_from(digest("0")) == ()


def test_a_version_that_does_not_exist_was_made_from_nothing(store: RegistryStore) -> None:
    book = book_of(store)
    book.register("iris", draft(), FakeSigner(), at=START, actor="t", request_id="run-1")
    for number in (0, 2, 10**9):
        with pytest.raises(NotFoundError, match=f"'iris' has no version {number}"):
            book.inputs("iris", number)
        with pytest.raises(NotFoundError):
            book.signature("iris", number)
