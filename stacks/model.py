"""Model stack: one model's endpoint, routes, schedule and alarms; it deploys alone."""

from __future__ import annotations

from dataclasses import replace

from constructs import Construct

from stacks.constructs.arns import function_arn
from stacks.constructs.endpoint import Endpoint
from stacks.constructs.layer_set import LayerSet
from stacks.constructs.model_alarms import ModelAlarms
from stacks.constructs.model_routes import ModelRoutes
from stacks.constructs.monitor_schedule import MonitorSchedule
from stacks.control import ControlStack
from stacks.environment_stack import EnvironmentStack
from stacks.platform import PlatformStack
from stacks.stage import StageSettings
from tidegate.project import Project
from tidegate.settings import Settings


class ModelStack(EnvironmentStack):
    """Everything that exists once per model."""

    def __init__(
        self,
        scope: Construct,
        *,
        stage: StageSettings,
        project: Project,
        platform: PlatformStack,
        control: ControlStack,
    ) -> None:
        name = project.name
        super().__init__(
            scope, f"model-{name}", stage=stage, component="serving", description=f"model {name}"
        )
        self.tag_costs(model=name, owner=project.owner, cost_center=project.cost_center)
        self.add_stack_dependency(control)
        endpoint = Endpoint(
            self,
            "Endpoint",
            serving=project.serving,
            settings=self._settings(project, platform.receipt_key.reference),
            stage=stage,
            layers=LayerSet(self, "Layers", stage=stage),
        )
        endpoint.send_windows_to(function_arn(self, self.names.function("collect")))
        routes = ModelRoutes(
            self,
            "Routes",
            model=name,
            api_id=platform.front_door.api_id,
            alias_arn=endpoint.alias.ref,
        )
        routes.add_feedback(function_arn(self, self.names.function("feedback")))
        minutes = project.monitor.every_minutes
        MonitorSchedule(self, "Monitor", model=name, every_minutes=minutes, stage=stage)
        ModelAlarms(
            self,
            "Alarms",
            model=name,
            every_minutes=minutes,
            api_id=platform.front_door.api_id,
            stage=stage,
        )

    def _settings(self, project: Project, receipt_key: str) -> Settings:
        """Return what the endpoint reads from its environment."""
        return replace(
            self.settings(),
            model=project.name,
            receipt_key=receipt_key,
            flush_seconds=str(project.serving.flush_seconds),
        )
