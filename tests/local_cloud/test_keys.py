"""Keys as on AWS: the signer's suite over the local cloud's KMS, and who may use a key."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.adapters import test_signing_key as suite
from tests.adapters.test_signing_key import STATEMENT, Keys, keys_of
from tests.local_cloud.driver import ACCOUNT, Driver, allow
from tidegate.aws.signing_key import SigningKey

pytestmark = pytest.mark.local

test_what_a_key_signed_it_verifies = suite.test_what_a_key_signed_it_verifies
test_a_signature_is_of_one_statement_only = suite.test_a_signature_is_of_one_statement_only
test_another_key_is_refused = suite.test_another_key_is_refused_whatever_name_it_gives
test_a_signature_that_names_another_key = suite.test_a_signature_that_names_another_key_is_refused
test_what_is_no_signature_is_refused = suite.test_what_is_no_signature_is_refused
test_one_flipped_bit_is_refused = suite.test_one_flipped_bit_is_refused
test_a_key_that_does_not_exist = suite.test_a_key_that_does_not_exist_is_named_with_what_to_do
test_a_signature_names_the_key = suite.test_a_signature_names_the_key_and_not_the_alias


@pytest.fixture(scope="module")
def kms(driver: Driver) -> Any:
    return driver.client("kms")


@pytest.fixture(scope="module")
def keys(kms: Any) -> Keys:
    return keys_of(kms)


def test_a_key_that_is_off_neither_signs_nor_verifies(keys: Keys) -> None:
    suite.check_a_key_that_is_off(keys)


def test_a_signature_is_checked_without_kms_by_the_public_key_alone(kms: Any, keys: Keys) -> None:
    signed = keys.own.sign(STATEMENT.to_bytes())
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=keys.own.key)["PublicKey"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(base64.b64decode(signed.value), STATEMENT.to_bytes(), ec.ECDSA(hashes.SHA256()))


def test_a_right_on_the_key_opens_its_alias_and_a_right_on_the_alias_opens_nothing(
    driver: Driver, name: str, kms: Any
) -> None:
    alias = f"alias/{name}"
    root = allow("kms:*") | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [root]})
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", Policy=policy)
    arn = key["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=alias, TargetKeyId=arn)
    code = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    kms = boto3.client('kms')\n"
        "    asked = {'KeyId': event['key'], 'Message': b'0' * 32, 'MessageType': 'DIGEST'}\n"
        "    asked['SigningAlgorithm'] = 'ECDSA_SHA_256'\n"
        "    try: return kms.sign(**asked)['KeyId']\n"
        "    except kms.exceptions.ClientError as e: return e.response['Error']['Code']\n"
    )
    driver.function(f"{name}-k", code, allow("kms:Sign", arn))
    driver.function(f"{name}-a", code, allow("kms:Sign", arn.replace(arn.split(":")[-1], alias)))
    driver.function(f"{name}-v", code, allow("kms:Verify", arn))

    for asked in (alias, arn):
        assert driver.invoke(f"{name}-k", {"key": asked})["Payload"] == arn
        for poorer in ("a", "v"):
            refused = driver.invoke(f"{name}-{poorer}", {"key": asked})["Payload"]
            assert refused == "AccessDeniedException", (poorer, asked)


def test_a_foreign_environment_is_checked_through_its_own_key(kms: Any) -> None:
    staging, prod = (key for key in (keys_of(kms).own, keys_of(kms).own))
    signed = staging.sign(STATEMENT.to_bytes())
    SigningKey(kms, key_id=signed.key).verify(STATEMENT.to_bytes(), signed)
    assert prod.sign(STATEMENT.to_bytes()).key != signed.key
