"""One suite for the signer, over the fake and over KMS (moto's server), so the fake cannot lie.

`tests/local_cloud/test_keys.py` runs it a third time, over the local cloud's KMS.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.fakes.signer import FakeSigner
from tidegate.aws.signing_key import SigningKey
from tidegate.errors import PackageError, SignatureError
from tidegate.registry.signing import Signed, Signer, Statement

STATEMENT = Statement("iris", 3, "a" * 64, "b" * 64, "c" * 64)
MADE_UP = Signed("k", "ECDSA_SHA_256", "c2lnbmVk")
_numbers = count()


@dataclass
class Keys:
    """A key, another environment's, and one that can't be used now."""

    own: Signer
    other: Signer
    disabled: Signer


def fakes() -> Keys:
    return Keys(FakeSigner(), FakeSigner(), FakeSigner(usable=False))


def keys_of(kms: Any) -> Keys:
    """Make three keys under aliases of their own and switch the last one off."""
    found = []
    for _ in range(3):
        alias = f"alias/tidegate-test{next(_numbers)}-signing"
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
        found.append((alias, key["KeyId"]))
    kms.disable_key(KeyId=found[2][1])
    return Keys(*(SigningKey(kms, key_id=alias) for alias, _ in found))


@pytest.fixture(scope="module")
def kms(moto_url: str) -> Any:  # no type of its own
    return boto3.client(
        "kms",
        endpoint_url=moto_url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(params=["fake", "moto"])
def keys(request: pytest.FixtureRequest) -> Keys:
    return fakes() if request.param == "fake" else keys_of(request.getfixturevalue("kms"))


def test_what_a_key_signed_it_verifies(keys: Keys) -> None:
    signed = keys.own.sign(STATEMENT.to_bytes())
    keys.own.verify(STATEMENT.to_bytes(), signed)
    assert signed.key
    assert base64.b64decode(signed.value, validate=True)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "iris2"},
        {"version": 4},
        {"package": "d" * 64},
        {"contract": "d" * 64},
        {"data": "d" * 64},
        {"package": STATEMENT.contract, "contract": STATEMENT.package},
    ],
    ids="-and-".join,
)
def test_a_signature_is_of_one_statement_only(keys: Keys, change: dict[str, Any]) -> None:
    signed = keys.own.sign(STATEMENT.to_bytes())
    with pytest.raises(SignatureError, match=r"did not sign this.*names"):
        keys.own.verify(replace(STATEMENT, **change).to_bytes(), signed)


def test_another_key_is_refused_whatever_name_it_gives(keys: Keys) -> None:
    own, foreign = (key.sign(STATEMENT.to_bytes()) for key in (keys.own, keys.other))
    for signed in (foreign, replace(foreign, key=own.key)):
        with pytest.raises(SignatureError, match="did not sign this"):
            keys.own.verify(STATEMENT.to_bytes(), signed)
    keys.other.verify(STATEMENT.to_bytes(), foreign)


def test_a_signature_that_names_another_key_is_refused(keys: Keys) -> None:
    signed = replace(keys.own.sign(STATEMENT.to_bytes()), key="key of mine")
    with pytest.raises(SignatureError, match="says that 'key of mine' made it"):
        keys.own.verify(STATEMENT.to_bytes(), signed)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": "%%%"}, "not base64"),
        ({"value": "ä"}, "not base64"),
        ({"value": "c2lnbmVk"}, "did not sign this"),
        ({"algorithm": "none"}, "a signature by .* is expected, not"),
        ({"algorithm": ""}, "a signature by .* is expected, not"),
    ],
    ids=["no-base64", "no-ascii", "no-signature", "no-algorithm", "empty-algorithm"],
)
def test_what_is_no_signature_is_refused(keys: Keys, change: dict[str, str], said: str) -> None:
    signed = replace(keys.own.sign(STATEMENT.to_bytes()), **change)
    with pytest.raises(SignatureError, match=said):
        keys.own.verify(STATEMENT.to_bytes(), signed)


def test_one_flipped_bit_is_refused(keys: Keys) -> None:
    signed = keys.own.sign(STATEMENT.to_bytes())
    raw = bytearray(base64.b64decode(signed.value))
    raw[-1] ^= 1
    flipped = replace(signed, value=base64.b64encode(raw).decode())
    with pytest.raises(SignatureError, match="did not sign this"):
        keys.own.verify(STATEMENT.to_bytes(), flipped)


def check_a_key_that_is_off(keys: Keys) -> None:
    signed = keys.own.sign(STATEMENT.to_bytes())
    with pytest.raises(SignatureError, match="is disabled"):
        keys.disabled.sign(STATEMENT.to_bytes())
    with pytest.raises(SignatureError, match="is disabled"):
        keys.disabled.verify(STATEMENT.to_bytes(), replace(signed, key=keys.disabled.key))


def test_a_key_that_is_off_neither_signs_nor_verifies() -> None:
    """Over the fake here and over the local cloud there: moto lets a disabled key sign."""
    check_a_key_that_is_off(fakes())


def test_a_key_that_does_not_exist_is_named_with_what_to_do(kms: Any) -> None:
    nowhere = SigningKey(kms, key_id="alias/tidegate-nowhere-signing")
    known = "key alias/tidegate-nowhere-signing does not exist; deploy the platform stack"
    with pytest.raises(SignatureError, match=known):
        nowhere.sign(b"s")
    with pytest.raises(SignatureError, match=known):
        nowhere.verify(b"s", MADE_UP)


def test_a_signature_names_the_key_and_not_the_alias(kms: Any) -> None:
    own = keys_of(kms).own
    assert own.key.startswith("alias/")
    assert own.sign(b"s").key.startswith("arn:aws:kms:")


def test_a_signature_stays_refused_when_the_alias_moves_to_another_key(kms: Any) -> None:
    made = keys_of(kms)
    signed = made.own.sign(b"s")
    moved = kms.describe_key(KeyId=made.other.key)["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=made.own.key, TargetKeyId=moved)
    with pytest.raises(SignatureError, match="did not sign this"):
        made.own.verify(b"s", signed)


@pytest.mark.parametrize("value", ["", base64.b64encode(b"x" * 73).decode()], ids=["none", "long"])
def test_a_signature_of_impossible_length_never_reaches_kms(value: str) -> None:
    no_client: Any = None
    with pytest.raises(SignatureError, match=r"1 to 72 bytes is expected, not of (0|73)"):
        SigningKey(no_client, key_id="k").verify(b"s", Signed("k", "ECDSA_SHA_256", value))


def stubbed(call: str, code: str) -> Any:
    """Return a KMS client that answers one call with an error: moto knows few of them."""
    client = boto3.client(
        "kms",
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    stub = Stubber(client)
    stub.add_client_error(call, code)
    stub.activate()
    return client


@pytest.mark.parametrize("call", ["sign", "verify"])
@pytest.mark.parametrize(
    ("code", "raised", "said"),
    [
        ("DisabledException", SignatureError, "key k is disabled; enable it"),
        ("KMSInvalidStateException", SignatureError, "key k can't be used"),
        ("InvalidKeyUsageException", SignatureError, "key k is no signing key"),
        ("AccessDeniedException", ClientError, "AccessDeniedException"),
        ("KMSInternalException", ClientError, "KMSInternalException"),
    ],
)
def test_an_answer_about_the_key_is_told_and_any_other_rises_as_it_is(
    call: str, code: str, raised: type[Exception], said: str
) -> None:
    key = SigningKey(stubbed(call, code), key_id="k")
    use: dict[str, Callable[[], object]] = {
        "sign": lambda: key.sign(b"s"),
        "verify": lambda: key.verify(b"s", MADE_UP),
    }
    with pytest.raises(raised, match=said):
        use[call]()


def test_kms_says_that_a_signature_is_invalid_by_an_error() -> None:
    """As AWS and the local cloud do; moto answers that it is not valid."""
    key = SigningKey(stubbed("verify", "KMSInvalidSignatureException"), key_id="k")
    with pytest.raises(SignatureError, match="key k did not sign this"):
        key.verify(b"s", MADE_UP)


def test_a_signature_error_is_a_package_error_that_no_retry_mends() -> None:
    assert issubclass(SignatureError, PackageError)
    assert (SignatureError.retryable, SignatureError.status) == (False, 422)
