"""CASES S4 and S6: what is published is what was signed, or nothing is published at all."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.made import START, draft, later, registry
from tests.fakes.onnx_models import CONTRACT
from tests.fakes.packages import LINEAGE, model_apart, package_bytes
from tests.fakes.registry_store import FakeRegistryStore
from tests.fakes.scene import Scene, three_versions
from tests.fakes.signer import FakeSigner
from tidegate.catalog import Catalog
from tidegate.errors import (
    DigestMismatchError,
    PackageError,
    SignatureError,
)
from tidegate.package import keys
from tidegate.package.archive import open_package
from tidegate.package.whole import model_key
from tidegate.registry import rows
from tidegate.registry.book import Registry
from tidegate.registry.codec import encode
from tidegate.registry.signing import Statement, statement_of
from tidegate.registry.values import Signature, Version
from tidegate.release import authenticity, controller

MODEL, OTHER = "ferry-delay", "harbour-fee"


@dataclass
class Vault:
    """Two models, three versions each, signed; and what somebody with write access does to them."""

    registry: Registry
    store: FakeRegistryStore
    artifacts: MemoryArtifacts
    signer: FakeSigner

    def check(self, number: int = 2, model: str = MODEL) -> None:
        authenticity.check(
            self.registry.version(model, number),
            registry=self.registry,
            shelf=Catalog(self.registry, self.artifacts),
            verifier=self.signer,
        )

    def plant(self, *records: Version | Signature) -> None:
        """Put rows past the registry's rules, as a script with the table's name could."""
        for record in records:
            self.store.items[rows.row_of(record)] = encode(record)

    def unsign(self, number: int) -> None:
        del self.store.items[rows.row(Signature, MODEL, str(number))]

    def swap(self, data: bytes, number: int = 2) -> None:
        """Put other bytes where a version's package lies."""
        digest = self.registry.version(MODEL, number).package_digest
        self.artifacts.put(keys.package_file(MODEL, digest), data, overwrite=True)


def package(number: int) -> bytes:
    return package_bytes(card_md=f"# Version {number}\n".encode())


@pytest.fixture
def vault() -> Vault:
    store, artifacts, signer = FakeRegistryStore(), MemoryArtifacts(), FakeSigner()
    book, _ = registry(store)
    for model in (MODEL, OTHER):
        book.ensure_model(model, owner="ann", at=START, actor="ann")
        for number in (1, 2, 3):
            data = package(number)
            opened = open_package(data)
            made = replace(
                draft(),
                package_digest=opened.digest,
                package_size=len(data),
                contract_digest=CONTRACT.digest,
                lineage=replace(LINEAGE, parent=0),
            )
            asked = f"{model}-{number}"
            book.register(model, made, signer, at=START, actor="t", request_id=asked)
            artifacts.put(keys.package_file(model, opened.digest), data)
    return Vault(book, store, artifacts, signer)


def test_what_register_signed_may_be_released(vault: Vault) -> None:
    for number in (1, 2, 3):
        vault.check(number)


def moved_from_another_model(vault: Vault) -> None:
    """Leave package and number as they are: only the signature is the other model's."""
    vault.plant(replace(vault.registry.signature(OTHER, 2), model=MODEL))


def moved_from_another_version(vault: Vault) -> None:
    vault.plant(replace(vault.registry.signature(MODEL, 1), version=2))


def replayed_as_new(vault: Vault) -> None:
    """Pass version 1 off as the newer version 2, whole and with its signature."""
    vault.plant(
        replace(vault.registry.version(MODEL, 1), number=2, status="approved"),
        replace(vault.registry.signature(MODEL, 1), version=2),
    )


def with_another_digest(vault: Vault) -> None:
    """Put a package of one's own into the bucket, and its digest into the row."""
    data = package(9)
    digest = open_package(data).digest
    vault.artifacts.put(keys.package_file(MODEL, digest), data)
    vault.plant(replace(vault.registry.version(MODEL, 2), package_digest=digest))


def with_another_contract(vault: Vault) -> None:
    vault.plant(replace(vault.registry.version(MODEL, 2), contract_digest="f" * 64))


def with_other_data(vault: Vault) -> None:
    version = vault.registry.version(MODEL, 2)
    vault.plant(replace(version, lineage=replace(version.lineage, data_digest="f" * 64)))


def signed_by_another_key(vault: Vault) -> None:
    """Sign the right statement with a key of one's own that goes by the right key's name."""
    forged = FakeSigner(key=vault.signer.key).sign(_statement(vault))
    vault.plant(Signature(MODEL, 2, forged.key, forged.algorithm, forged.value))


def signed_by_a_key_with_its_own_name(vault: Vault) -> None:
    forged = FakeSigner(key="my-key").sign(_statement(vault))
    vault.plant(Signature(MODEL, 2, forged.key, forged.algorithm, forged.value))


def signed_for_another_purpose(vault: Vault) -> None:
    """Sign the same fields with the right key, but not as a version's statement."""
    plain = _statement(vault).replace(b'"domain":"tidegate/version/1",', b"")
    assert plain != _statement(vault)
    odd = vault.signer.sign(plain)
    vault.plant(Signature(MODEL, 2, odd.key, odd.algorithm, odd.value))


def unsigned(vault: Vault) -> None:
    vault.unsign(2)


def _statement(vault: Vault) -> bytes:
    return statement_of(vault.registry.version(MODEL, 2)).to_bytes()


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        (moved_from_another_model, "did not sign this"),
        (moved_from_another_version, "did not sign this"),
        (replayed_as_new, "did not sign this"),
        (with_another_digest, "did not sign this"),
        (with_another_contract, "did not sign this"),
        (with_other_data, "did not sign this"),
        (signed_by_another_key, "did not sign this"),
        (signed_by_a_key_with_its_own_name, "names 'my-key'"),
        (signed_for_another_purpose, "did not sign this"),
        (unsigned, "is not signed; train it again"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_signature_that_is_not_this_versions_is_refused(
    vault: Vault, attack: Callable[[Vault], None], named: str
) -> None:
    attack(vault)
    with pytest.raises(SignatureError, match=f"version 2 of 'ferry-delay'.*{named}"):
        vault.check()
    vault.check(3)  # the others are as good as before


def signature_of(vault: Vault, version: Version) -> Signature:
    """Sign a version as it is, with the environment's own key."""
    signed = vault.signer.sign(statement_of(version).to_bytes())
    return Signature(version.model, version.number, signed.key, signed.algorithm, signed.value)


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("place", [0, 40, 2000, -1], ids=["header", "model", "middle", "end"])
def test_one_flipped_byte_is_refused(vault: Vault, place: int) -> None:
    vault.swap(flipped(package(2), place))
    with pytest.raises(DigestMismatchError, match="the package's SHA-256 is"):
        vault.check()


@pytest.mark.parametrize(
    "data", [package(1), package(9), b"", b"PK\x05\x06" + b"\0" * 18], ids=["v1", "new", "", "zip"]
)
def test_another_package_in_its_place_is_refused_however_valid(vault: Vault, data: bytes) -> None:
    vault.swap(data)
    with pytest.raises(DigestMismatchError, match="the package's SHA-256 is"):
        vault.check()


def test_a_package_that_is_gone_is_refused(vault: Vault) -> None:
    digest = vault.registry.version(MODEL, 2).package_digest
    vault.artifacts.delete(keys.package_file(MODEL, digest))
    with pytest.raises(
        DigestMismatchError, match="version 2 of 'ferry-delay': its package is gone"
    ):
        vault.check()


@pytest.fixture
def apart(vault: Vault) -> str:
    """Sign a version 2 whose model lies apart; return the model's key."""
    data, model = model_apart(package(2))
    opened = open_package(data)
    assert opened.pointer is not None
    key = model_key(opened, opened.pointer)
    vault.artifacts.put(keys.package_file(MODEL, opened.digest), data)
    vault.artifacts.put(key, model)
    true = replace(vault.registry.version(MODEL, 2), package_digest=opened.digest)
    vault.plant(true, signature_of(vault, true))
    return key


def test_a_model_that_lies_apart_may_be_released(vault: Vault, apart: str) -> None:
    vault.check()


def test_another_model_in_its_place_is_refused(vault: Vault, apart: str) -> None:
    good = vault.artifacts.get(apart)
    vault.artifacts.put(apart, bytes([good[0] ^ 1]) + good[1:], overwrite=True)
    with pytest.raises(DigestMismatchError, match=r"version 2 of .*: its SHA-256 is"):
        vault.check()


def test_a_model_that_is_gone_is_refused(vault: Vault, apart: str) -> None:
    vault.artifacts.delete(apart)
    with pytest.raises(DigestMismatchError, match=r"model\.onnx lies apart .* and is gone"):
        vault.check()


def test_a_package_of_another_model_is_refused_even_if_it_was_signed(vault: Vault) -> None:
    with pytest.raises(
        DigestMismatchError, match="the package's model is 'ferry-delay', but 'harb"
    ):
        vault.check(model=OTHER)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"contract_digest": "f" * 64}, "the package's contract digest is"),
        (
            {"lineage": replace(LINEAGE, parent=0, data_digest="f" * 64)},
            "the package's data digest",
        ),
    ],
    ids=["contract", "data"],
)
def test_what_was_signed_of_a_package_is_what_the_package_says(
    vault: Vault, change: dict[str, object], named: str
) -> None:
    false = replace(vault.registry.version(MODEL, 2), **change)  # type: ignore[arg-type]
    vault.plant(false, signature_of(vault, false))
    with pytest.raises(DigestMismatchError, match=named):
        vault.check()


def test_an_extra_file_is_refused_even_if_it_was_signed(vault: Vault) -> None:
    buffer = io.BytesIO(package(2))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("sitecustomize.py", "print('mine')")
    data = buffer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    vault.artifacts.put(keys.package_file(MODEL, digest), data)
    false = replace(vault.registry.version(MODEL, 2), package_digest=digest)
    vault.plant(false, signature_of(vault, false))
    with pytest.raises(PackageError, match=r"no part of a package: 'sitecustomize\.py'"):
        vault.check()


def test_a_key_that_is_off_lets_nothing_through(vault: Vault) -> None:
    vault.signer.usable = False
    with pytest.raises(SignatureError, match="is disabled"):
        vault.check()


def test_the_signature_is_checked_before_the_bytes_are_fetched(vault: Vault) -> None:
    vault.swap(b"")
    vault.unsign(2)
    with pytest.raises(SignatureError):
        vault.check()


# -- within a release ---------------------------------------------------------------------------


@pytest.fixture
def scene() -> Scene:
    return three_versions()


def other_key(scene: Scene) -> None:
    scene.house = replace(scene.house, verifier=FakeSigner())


def flipped_byte(scene: Scene) -> None:
    scene.shelf.broken = True


@pytest.mark.parametrize("attack", [other_key, flipped_byte])
def test_a_refused_package_leaves_the_champion_and_a_reason(
    scene: Scene, attack: Callable[[Scene], None]
) -> None:
    scene.promote(1, "r-1")
    before = scene.traffic.now
    progress = scene.begin(2, "r-2")
    attack(scene)
    with pytest.raises(PackageError) as caught:
        controller.publish(progress, scene.house, later(1))
    assert list(scene.traffic.published) == ["2"]  # of version 1

    reason = f"{type(caught.value).__name__}: {caught.value}"
    controller.roll_back(replace(progress, reason=reason), scene.house, later(2))
    ended = scene.registry.release("iris", "r-2")
    assert (ended.state, ended.outcome) == ("failed", reason)
    assert scene.champion() == (1, "2")
    assert replace(scene.traffic.now, revision="") == replace(before, revision="")
    assert scene.is_free()
    assert scene.registry.version("iris", 2).status == "approved"  # nothing was judged


def test_a_refusal_is_repeated_not_forgotten(scene: Scene) -> None:
    progress = scene.begin(1, "r-1")
    other_key(scene)
    for _ in range(2):
        with pytest.raises(SignatureError):
            controller.publish(progress, scene.house, START)
    assert scene.traffic.published == {}


def test_a_statement_has_one_byte_form_and_says_what_it_is() -> None:
    statement = Statement("iris", 3, "p", "c", "d")
    assert statement.to_bytes() == (
        b'{"contract":"c","data":"d","domain":"tidegate/version/1",'
        b'"model":"iris","package":"p","version":3}'
    )
