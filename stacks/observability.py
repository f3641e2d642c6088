"""Observability stack: dashboard, alarms of the control plane, events that people hear of."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from stacks.constructs.control_alarms import ControlAlarms
from stacks.constructs.dashboard import Dashboard
from stacks.constructs.notices import Notices
from stacks.control import ControlStack
from stacks.environment_stack import EnvironmentStack
from stacks.platform import PlatformStack
from stacks.stage import StageSettings


class ObservabilityStack(EnvironmentStack):
    """What a person looks at, and what calls a person."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: StageSettings,
        platform: PlatformStack,
        control: ControlStack,
        models: Sequence[str],
    ) -> None:
        super().__init__(
            scope, id_, stage=stage, component="observability", description="dashboard and alarms"
        )
        self.add_stack_dependency(control)
        api_id = platform.front_door.api_id
        Dashboard(self, "Dashboard", env=stage.env, models=models, api_id=api_id)
        ControlAlarms(self, "Alarms", stage=stage, api_id=api_id)
        Notices(self, "Notices", stage=stage)
