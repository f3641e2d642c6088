"""Platform stack: what all models share and what must outlive them: stores, bus, topic, API."""

from __future__ import annotations

from constructs import Construct

from stacks.constructs.alert_topic import AlertTopic
from stacks.constructs.artifacts_bucket import ArtifactsBucket
from stacks.constructs.event_bus import EventBus
from stacks.constructs.front_door import FrontDoor
from stacks.constructs.ledger_table import LedgerTable
from stacks.constructs.receipt_key import ReceiptKey
from stacks.constructs.registry_table import RegistryTable
from stacks.constructs.signing_key import SigningKey
from stacks.environment_stack import EnvironmentStack
from stacks.stage import StageSettings


class PlatformStack(EnvironmentStack):
    """Artifacts bucket, registry, ledger, event bus, alert topic, both keys and HTTP API."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_, stage=stage, component="platform", description="shared stores")
        self.artifacts = ArtifactsBucket(self, "Artifacts", stage=stage)
        self.registry = RegistryTable(self, "Registry", stage=stage)
        self.ledger = LedgerTable(self, "Ledger", stage=stage)
        self.bus = EventBus(self, "Bus", stage=stage)
        self.alerts = AlertTopic(self, "Alerts", stage=stage)
        self.receipt_key = ReceiptKey(self, "ReceiptKey")
        self.signing_key = SigningKey(self, "SigningKey", stage=stage)
        self.front_door = FrontDoor(self, "FrontDoor", stage=stage)
