"""Cached factories: the one place where ports meet their adapters.

Nothing is made at import; a process makes each client once, at first use.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from tidegate.settings import Settings

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tidegate.aws.artifact_bucket import ArtifactBucket
    from tidegate.aws.automation_parameter import AutomationParameter
    from tidegate.aws.batch_objects import BatchObjects
    from tidegate.aws.lambda_traffic import LambdaTraffic
    from tidegate.aws.ledger_table import LedgerTable
    from tidegate.aws.package_stock import PackageStock
    from tidegate.aws.signing_key import SigningKey
    from tidegate.aws.state_machines import StateMachines
    from tidegate.aws.workflow_executions import WorkflowExecutions
    from tidegate.catalog import Catalog
    from tidegate.registry.book import Registry


@cache
def settings() -> Settings:
    """Return the process's settings."""
    return Settings.from_env(os.environ)


def unavailable_is_told() -> AbstractContextManager[None]:
    """Return a context in which AWS being busy or away is a `ServiceUnavailableError`."""
    from tidegate.aws.availability import unavailable_is_told

    return unavailable_is_told()


@cache
def registry() -> Registry:
    """Return the registry over its table, announcing events on the bus."""
    import boto3

    from tidegate.aws.event_bus import EventBus
    from tidegate.aws.registry_table import RegistryTable
    from tidegate.registry.book import Registry

    names = settings().names
    table = RegistryTable(boto3.client("dynamodb"), table=names.registry_table)
    return Registry(table, EventBus(boto3.client("events"), bus=names.bus))


@cache
def artifacts() -> ArtifactBucket:
    """Return the artifacts bucket."""
    import boto3

    from tidegate.aws.artifact_bucket import ArtifactBucket

    return ArtifactBucket(boto3.client("s3"), bucket=settings().artifacts_bucket)


@cache
def catalog() -> Catalog:
    """Return the reader of deployed projects and packages."""
    from tidegate.catalog import Catalog

    return Catalog(registry=registry(), artifacts=artifacts())


@cache
def signer() -> SigningKey:
    """Return the key that signs this environment's versions."""
    import boto3

    from tidegate.aws.signing_key import SigningKey

    return SigningKey(boto3.client("kms"), key_id=settings().names.signing_key)


@cache
def ledger() -> LedgerTable:
    """Return the ledger over its table."""
    import boto3

    from tidegate.aws.ledger_table import LedgerTable

    return LedgerTable(boto3.client("dynamodb"), table=settings().names.ledger_table)


@cache
def traffic(model: str) -> LambdaTraffic:
    """Return the traffic switch of a model's endpoint."""
    import boto3

    from tidegate.aws.lambda_traffic import LambdaTraffic

    return LambdaTraffic(boto3.client("lambda"), function=settings().names.endpoint(model))


@cache
def machines() -> StateMachines:
    """Return the workflows that can be started."""
    import boto3

    from tidegate.aws.state_machines import StateMachines

    return StateMachines(boto3.client("stepfunctions"), settings=settings())


@cache
def executions() -> WorkflowExecutions:
    """Return the view of the workflows that run or ran."""
    import boto3

    from tidegate.aws.workflow_executions import WorkflowExecutions

    return WorkflowExecutions(boto3.client("stepfunctions"), settings=settings())


@cache
def stock() -> PackageStock:
    """Return the stored packages by object version."""
    import boto3

    from tidegate.aws.package_stock import PackageStock

    return PackageStock(boto3.client("s3"), bucket=settings().artifacts_bucket)


@cache
def automation() -> AutomationParameter:
    """Return the switch that people pause the governor with."""
    import boto3

    from tidegate.aws.automation_parameter import AutomationParameter

    return AutomationParameter(boto3.client("ssm"), name=settings().names.automation_parameter)


@cache
def objects() -> BatchObjects:
    """Return the objects of every bucket that this process may use."""
    import boto3

    from tidegate.aws.batch_objects import BatchObjects

    return BatchObjects(boto3.client("s3"))
