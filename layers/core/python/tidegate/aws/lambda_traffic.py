"""Traffic over one Lambda function and its `live` alias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.exceptions import ClientError

from tidegate.errors import (
    NotFoundError,
    PublishPendingError,
    TidegateError,
    TrafficConflictError,
    TrafficError,
)
from tidegate.registry.retries import Retries
from tidegate.release.ports import Routing
from tidegate.settings import LIVE_ALIAS

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_ERRORS: dict[str, type[TidegateError]] = {
    "ResourceConflictException": PublishPendingError,  # an update is under way
    "CodeArtifactUserPendingException": PublishPendingError,
    "ResourceNotReadyException": PublishPendingError,
    "PreconditionFailedException": TrafficConflictError,  # the RevisionId is not the latest
    "ResourceNotFoundException": NotFoundError,
    "InvalidParameterValueException": TrafficError,
    "CodeStorageExceededException": TrafficError,
    "RequestTooLargeException": TrafficError,
}


class LambdaTraffic:
    """`Traffic` of one endpoint's function."""

    def __init__(
        self, client: LambdaClient, *, function: str, retries: Retries | None = None
    ) -> None:
        """Work on `function`; `retries` says how long to wait for a change of its variables."""
        self._client, self._function = client, function
        self._retries = retries or Retries(attempts=12, base=0.2, cap=2.0)

    def publish(self, package_uri: str, *, env: Mapping[str, str]) -> str:
        """Merge `env` into the variables, then make the package the code and publish both."""
        bucket, key = _split(package_uri)
        try:
            revision = self._configure(env)
            answer = self._client.update_function_code(
                FunctionName=self._function,
                S3Bucket=bucket,
                S3Key=key,
                Publish=True,
                RevisionId=revision,
            )
        except ClientError as error:
            self._raise(error, f"publishing {key}")
        return answer["Version"]

    def is_ready(self, function_version: str) -> bool:
        """Tell whether a function version is active and its last update went through."""
        found = self._configuration(function_version)
        for state, why in (
            ("State", "StateReason"),
            ("LastUpdateStatus", "LastUpdateStatusReason"),
        ):
            if found.get(state) == "Failed":
                raise TrafficError(
                    f"{self._function} version {function_version}: {state} is Failed:"
                    f" {found.get(why, 'no reason given')}"
                )
        return found.get("State", "Active") == "Active" and _is_settled(found)

    def code_sha256(self, function_version: str) -> str:
        """Return the CodeSha256 that Lambda reports."""
        return str(self._configuration(function_version)["CodeSha256"])

    def invoke(self, function_version: str, payload: bytes) -> bytes:
        """Call one version and wait for its answer."""
        try:
            answer = self._client.invoke(
                FunctionName=self._function, Qualifier=function_version, Payload=payload
            )
        except ClientError as error:
            self._raise(error, f"invoking version {function_version}")
        body = answer["Payload"].read()
        if answer.get("FunctionError"):
            raise TrafficError(
                f"{self._function} version {function_version} fails:"
                f" {body[:500].decode(errors='replace')}"
            )
        return body

    def routing(self) -> Routing:
        """Return where `live` points; a weight that is no whole percentage is rounded."""
        try:
            alias = self._client.get_alias(FunctionName=self._function, Name=LIVE_ALIAS)
        except ClientError as error:
            self._raise(error, f"reading alias {LIVE_ALIAS!r}")
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        canary, weight = next(iter(weights.items()), ("", 0.0))
        return Routing(
            function_version=alias["FunctionVersion"],
            canary=canary,
            weight=round(weight * 100),
            revision=alias.get("RevisionId", ""),
        )

    def route(
        self, function_version: str, *, revision: str, canary: str = "", weight: int = 0
    ) -> None:
        """Move `live`, provided its RevisionId is still `revision`."""
        weights = {canary: weight / 100} if canary and weight else {}
        try:
            self._client.update_alias(
                FunctionName=self._function,
                Name=LIVE_ALIAS,
                FunctionVersion=function_version,
                RoutingConfig={"AdditionalVersionWeights": weights},
                RevisionId=revision,
            )
        except ClientError as error:
            self._raise(error, f"moving alias {LIVE_ALIAS!r} to version {function_version}")

    def _configure(self, env: Mapping[str, str]) -> str:
        """Bring the variables up to date; return the RevisionId to build on."""
        found = self._settled()
        present = found.get("Environment", {}).get("Variables", {})
        wanted = {**present, **env}
        if wanted == present:
            return str(found["RevisionId"])
        self._client.update_function_configuration(
            FunctionName=self._function,
            Environment={"Variables": wanted},
            RevisionId=found["RevisionId"],
        )
        found = self._settled()
        if found.get("Environment", {}).get("Variables", {}) != wanted:
            raise TrafficConflictError(f"{self._function}: somebody else changed its variables")
        return str(found["RevisionId"])

    def _settled(self) -> Mapping[str, Any]:
        """Return $LATEST's configuration once no update is under way."""
        attempt = 0
        while not _is_settled(found := self._configuration("")):
            if self._retries.is_last(attempt):
                raise PublishPendingError(f"{self._function} is still being updated")
            self._retries.pause(attempt)
            attempt += 1
        return found

    def _configuration(self, function_version: str) -> Mapping[str, Any]:
        which = {"Qualifier": function_version} if function_version else {}
        try:
            return dict(
                self._client.get_function_configuration(FunctionName=self._function, **which)
            )
        except ClientError as error:
            self._raise(error, f"reading version {function_version or '$LATEST'}")

    def _raise(self, error: ClientError, doing: str) -> NoReturn:
        """Translate the codes that a release can act on; let the rest rise as it is."""
        known = _ERRORS.get(error.response["Error"]["Code"])
        if known is None:
            raise error
        raise known(f"{self._function}: {doing}: {error.response['Error']['Message']}") from error


def _is_settled(found: Mapping[str, Any]) -> bool:
    return bool(
        found.get("LastUpdateStatus", "Successful") != "InProgress"
        and found.get("State", "Active") != "Pending"
    )


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or not key:
        raise TrafficError(f"{uri!r} is no s3:// address of a package")
    return bucket, key
