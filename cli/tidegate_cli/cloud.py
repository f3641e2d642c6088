"""One environment as the commands see it: settings, clients and the adapters over them.

The local environment is reached through the local cloud of the checkout; every other one through
the ordinary AWS credential chain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from tidegate.aws.artifact_bucket import ArtifactBucket
from tidegate.aws.automation_parameter import AutomationParameter
from tidegate.aws.batch_objects import BatchObjects
from tidegate.aws.event_bus import EventBus
from tidegate.aws.lambda_traffic import LambdaTraffic
from tidegate.aws.ledger_table import LedgerTable
from tidegate.aws.registry_rows import RegistryRows
from tidegate.aws.registry_table import RegistryTable
from tidegate.aws.signing_key import SigningKey
from tidegate.aws.state_machines import StateMachines
from tidegate.catalog import Catalog
from tidegate.client import Api, Client
from tidegate.client.api import local_url
from tidegate.registry.book import Registry
from tidegate.settings import Settings
from tidegate_cli.checkout import environment
from tidegate_cli.faults import CloudDownError, CloudUnreachableError, MissingError
from tidegate_cli.local import cloud as local_cloud
from tidegate_cli.local.errors import NotRunningError

LOCAL = "local"
PATIENCE = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard"})


@dataclass(frozen=True)
class Cloud:
    """A deployed environment; adapters are made at first use."""

    root: Path
    settings: Settings
    session: boto3.Session = field(repr=False)
    endpoint: str = ""  # of the local cloud; empty on AWS
    time_scale: float = 1.0
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def env(self) -> str:
        """The environment's name."""
        return self.settings.env

    def client(self, service: str) -> Any:  # noqa: ANN401  # which client depends on the service
        """Return the environment's boto3 client of a service."""
        if service not in self._clients:
            url = self.endpoint or None
            make: Any = self.session.client  # its stubs want the service as a literal
            self._clients[service] = make(service, endpoint_url=url, config=PATIENCE)
        return self._clients[service]

    @cached_property
    def registry(self) -> Registry:
        """The registry over its table."""
        names = self.settings.names
        table = RegistryTable(self.client("dynamodb"), table=names.registry_table)
        return Registry(table, EventBus(self.client("events"), bus=names.bus))

    @cached_property
    def rows(self) -> RegistryRows:
        """The registry's table row by row."""
        return RegistryRows(self.client("dynamodb"), table=self.settings.names.registry_table)

    @cached_property
    def signer(self) -> SigningKey:
        """The environment's key; what may be done with it is up to the credentials."""
        return SigningKey(self.client("kms"), key_id=self.settings.names.signing_key)

    @cached_property
    def artifacts(self) -> ArtifactBucket:
        """The artifacts bucket."""
        return ArtifactBucket(self.client("s3"), bucket=self.settings.artifacts_bucket)

    @cached_property
    def objects(self) -> BatchObjects:
        """Objects of every bucket that the credentials open."""
        return BatchObjects(self.client("s3"))

    @cached_property
    def catalog(self) -> Catalog:
        """Projects and packages as pushed."""
        return Catalog(registry=self.registry, artifacts=self.artifacts)

    @cached_property
    def ledger(self) -> LedgerTable:
        """The ledger over its table."""
        return LedgerTable(self.client("dynamodb"), table=self.settings.names.ledger_table)

    @cached_property
    def machines(self) -> StateMachines:
        """The workflows that can be started."""
        return StateMachines(self.client("stepfunctions"), settings=self.settings)

    @cached_property
    def automation(self) -> AutomationParameter:
        """The switch that pauses the governor."""
        name = self.settings.names.automation_parameter
        return AutomationParameter(self.client("ssm"), name=name)

    def traffic(self, model: str) -> LambdaTraffic:
        """Return the traffic switch of a model's endpoint."""
        function = self.settings.names.endpoint(model)
        return LambdaTraffic(self.client("lambda"), function=function)

    @cached_property
    def api_url(self) -> str:
        """The API's base URL, as the stack wrote it down."""
        name = self.settings.names.api_url_parameter
        ssm = self.client("ssm")
        try:
            return str(ssm.get_parameter(Name=name)["Parameter"]["Value"]).rstrip("/")
        except ssm.exceptions.ParameterNotFound as error:
            raise MissingError(
                f"environment {self.env} is not deployed: no parameter {name}",
                hint=f"run: tidegate deploy --env {self.env}",
            ) from error

    def http(self, *, retries: int = 0) -> Api:
        """Return a client of the API, which by itself tries nothing twice; to be closed."""
        return Api(self._reachable_url, session=self.session, retries=retries)

    def model_client(self, model: str) -> Client:
        """Return a client of one model; close it, or use it in a `with` statement."""
        return Client(self._reachable_url, model, session=self.session)

    @property
    def _reachable_url(self) -> str:
        return local_url(self.api_url, self.endpoint) if self.endpoint else self.api_url


def connect(root: Path, env: str = LOCAL, *, profile: str = "") -> Cloud:
    """Reach an environment; raise `CloudUnreachableError` saying what to do when it can't be.

    `profile` is one of the AWS configuration; empty: what the environment variables say.
    """
    declared = environment(root, env)
    if env == LOCAL:
        return _connect_locally(root, time_scale=declared.time_scale)
    session = _session(declared.region, profile)
    if session.region_name is None:
        raise CloudUnreachableError(
            f"no region for environment {env}", hint="set it in cdk.json or AWS_REGION"
        )
    account = _account(session)
    if declared.account and declared.account != account:
        raise CloudUnreachableError(
            f"environment {env} is account {declared.account}, the credentials are of {account}",
            hint="name another profile" if profile else "set AWS_PROFILE",
        )
    settings = Settings(env, account, session.region_name)
    return Cloud(root, settings, session, time_scale=declared.time_scale)


def _connect_locally(root: Path, *, time_scale: float) -> Cloud:
    try:
        found = local_cloud.environment(root)
    except NotRunningError as error:
        raise CloudDownError(
            "the local cloud is not running", hint="start it with: tidegate local up"
        ) from error
    session = boto3.Session(
        aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
        region_name=found["AWS_REGION"],
    )
    settings = Settings(LOCAL, found["AWS_ACCESS_KEY_ID"], found["AWS_REGION"])
    return Cloud(root, settings, session, endpoint=found["AWS_ENDPOINT_URL"], time_scale=time_scale)


def _session(region: str, profile: str) -> boto3.Session:
    try:
        return boto3.Session(region_name=region or None, profile_name=profile or None)
    except ProfileNotFound as error:
        raise CloudUnreachableError(str(error), hint="see: aws configure list-profiles") from error


def _account(session: boto3.Session) -> str:
    try:
        return str(session.client("sts", config=PATIENCE).get_caller_identity()["Account"])
    except (ClientError, BotoCoreError) as error:
        raise CloudUnreachableError(
            f"AWS does not know us: {error}", hint="check AWS_PROFILE or run: aws configure"
        ) from error
