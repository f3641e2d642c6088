"""Conditions: two policy conditions that the emulator does not know as AWS does.

`aws:SecureTransport` is true for requests over the loopback interface: the server listens there
alone, nothing leaves the machine, and resources that refuse plain HTTP keep their real policy.

`dynamodb:LeadingKeys` is added. The partition keys that a request names are put in the context its
policies are judged in. All keys of a transaction are judged together, which is stricter than AWS,
where each item has its own.
Source: DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control".
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from . import seams

_ACTIONS = "ministack.core.iam_actions"
_EVALUATOR = "ministack.core.iam_evaluator"
_LOOPBACK = {"127.0.0.1", "::1"}
_EQUALS = re.compile(r"(?:^|\(|\bAND\b)\s*([#\w.-]+)\s*=\s*(:\w+)", re.IGNORECASE)


def leading_keys(request: dict[str, Any], hash_key: dict[str, str]) -> list[str]:
    """List the partition keys a request names; `hash_key` maps a table or index to its attribute.

    >>> leading_keys({"TableName": "T", "Key": {"PK": {"S": "a"}}}, {"T": "PK"})
    ['a']
    """
    return sorted({value for value in _values(request, hash_key) if value is not None})


def install() -> None:
    """Answer both condition keys."""
    _trust_loopback()
    _add_leading_keys()


def _trust_loopback() -> None:
    known = seams.load(_EVALUATOR)._resolve_condition_key

    def resolve(key: str, ctx: Any) -> Any:
        if key.lower() == "aws:securetransport" and ctx.source_ip in _LOOPBACK:
            return "true"
        return known(key, ctx)

    seams.replace(_EVALUATOR, "_resolve_condition_key", resolve)


def _add_leading_keys() -> None:
    known = seams.load(_ACTIONS).dynamodb_service_context

    def context(body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = known(body)
        try:
            request = json.loads(body or b"{}")
        except (ValueError, UnicodeDecodeError):
            return found
        keys = leading_keys(request, _hash_keys()) if isinstance(request, dict) else []
        return {**found, "dynamodb:LeadingKeys": keys} if keys else found

    seams.replace(_ACTIONS, "dynamodb_service_context", context)


def _values(request: dict[str, Any], hash_key: dict[str, str]) -> Iterator[str | None]:
    table = _name(request.get("TableName"))
    attribute = hash_key.get(f"{table}/{request.get('IndexName')}") or hash_key.get(table, "")
    for part in ("Key", "Item"):
        yield _scalar((request.get(part) or {}).get(attribute))
    yield _queried(request, attribute)
    for entry in request.get("TransactItems") or []:
        for member in entry.values():
            yield from _values(member, hash_key)
    for name, work in (request.get("RequestItems") or {}).items():
        writes = work if isinstance(work, list) else [{"GetRequest": work}]
        for write in writes:
            for member in write.values():
                for key in member.get("Keys") or [member.get("Key") or member.get("Item") or {}]:
                    yield _scalar(key.get(hash_key.get(_name(name), "")))


def _queried(request: dict[str, Any], attribute: str) -> str | None:
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    for name, value in _EQUALS.findall(request.get("KeyConditionExpression") or ""):
        if names.get(name, name) == attribute:
            return _scalar(values.get(value))
    return None


def _scalar(value: Any) -> str | None:
    """Return the text of a key attribute; a key is a string, a number or bytes."""
    return str(next(iter(value.values()))) if isinstance(value, dict) and value else None


def _name(table: Any) -> str:
    return str(table or "").rsplit("/", 1)[-1]


def _hash_keys() -> dict[str, str]:
    tables = seams.load("ministack.services.dynamodb")._tables
    found = {}
    for name, table in tables.items():
        found[name] = _hash_of(table.get("KeySchema"))
        for index in table.get("GlobalSecondaryIndexes") or []:
            found[f"{name}/{index['IndexName']}"] = _hash_of(index.get("KeySchema"))
    return found


def _hash_of(schema: list[dict[str, str]] | None) -> str:
    return next((k["AttributeName"] for k in schema or [] if k["KeyType"] == "HASH"), "")
