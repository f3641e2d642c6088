"""Actions: which right on which resource a call needs, where the emulator asks for others.

Lambda: a call about one alias needs that call's own right, not ListAliases. A call with a qualifier
is about that version or alias, not about the whole function. KMS: a call that names a key by an
alias needs a right on the key; one on the alias gives none.
Sources: Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda";
AWS KMS developer guide, "Controlling access to aliases".
"""

from typing import Any

from . import seams

_ACTIONS = "ministack.core.iam_actions"
_KMS = "ministack.services.kms"
_QUERY = 4  # place of `query_params` behind `service`
_OF_ALIAS = {"GET": "GetAlias", "PUT": "UpdateAlias", "DELETE": "DeleteAlias"}


def action_of(method: str, path: str) -> str | None:
    """Return the action of a call about one alias; None for any other path.

    >>> action_of("PUT", "/2015-03-31/functions/f/aliases/live"), action_of("GET", "/functions/f")
    ('UpdateAlias', None)
    """
    parts = [part for part in path.split("/") if part]
    if "functions" not in parts:
        return None
    rest = parts[parts.index("functions") + 1 :]
    return _OF_ALIAS.get(method) if len(rest) == 3 and rest[1] == "aliases" else None


def qualified(arn: str, query: dict[str, Any]) -> str:
    """Return the ARN of the version or alias that the query names.

    >>> qualified("arn:aws:lambda:r:a:function:f", {"Qualifier": ["7"]})
    'arn:aws:lambda:r:a:function:f:7'
    """
    given = query.get("Qualifier") or ""
    qualifier = given[0] if isinstance(given, list) else given
    unqualified = arn.count(":") == 6 and ":function:" in arn
    return f"{arn}:{qualifier}" if qualifier and unqualified else arn


def key_behind(alias: str) -> str:
    """Return the ARN of the key that an alias stands for; of none, the alias's own."""
    key = seams.load(_KMS)._resolve_key(alias)
    return str(key["Arn"]) if key else alias


def install() -> None:
    """Ask for the rights that AWS asks for."""
    _name_actions()
    _name_resources()


def _name_resources() -> None:
    known = seams.load(_ACTIONS).extract_resource_arn

    def resource(service: str, *request: Any) -> str:
        arn: str = known(service, *request)
        if service == "kms" and ":alias/" in arn:
            return key_behind(arn)
        return qualified(arn, request[_QUERY]) if service == "lambda" else arn

    seams.replace(_ACTIONS, "extract_resource_arn", resource)


def _name_actions() -> None:
    known = seams.load(_ACTIONS)._lambda_action

    def action(method: str, path: str) -> str | None:
        named: str | None = action_of(method, path) or known(method, path)
        return named

    seams.replace(_ACTIONS, "_lambda_action", action)
