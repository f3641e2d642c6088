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
        super().__init__(
            scope,
            f"model-{project.name}",
            stage=stage,
            component="serving",
            description=f"model {project.name}",
        )
        self.tag_costs(model=project.name, owner=project.owner, cost_center=project.cost_center)
        self.add_stack_dependency(control)
        self._project, self._api_id = project, platform.front_door.api_id
        endpoint = self._endpoint(platform.receipt_key.reference)
        self._routes(endpoint)
        self._watch()

    def _endpoint(self, receipt_key: str) -> Endpoint:
        """Serve behind the `live` alias; hand the windows to collect."""
        endpoint = Endpoint(
            self,
            "Endpoint",
            serving=self._project.serving,
            settings=self._settings(self._project, receipt_key),
            stage=self.stage,
            layers=LayerSet(self, "Layers", stage=self.stage),
        )
        endpoint.send_windows_to(function_arn(self, self.names.function("collect")))
        return endpoint

    def _routes(self, endpoint: Endpoint) -> None:
        """Open the model's paths in the API."""
        routes = ModelRoutes(
            self,
            "Routes",
            model=self._project.name,
            api_id=self._api_id,
            alias_arn=endpoint.alias.ref,
        )
        routes.add_feedback(function_arn(self, self.names.function("feedback")))

    def _watch(self) -> None:
        """Wake the monitor for this model, and ring when something is wrong with it."""
        model, minutes = self._project.name, self._project.monitor.every_minutes
        MonitorSchedule(self, "Monitor", model=model, every_minutes=minutes, stage=self.stage)
        ModelAlarms(
            self,
            "Alarms",
            model=model,
            every_minutes=minutes,
            api_id=self._api_id,
            stage=self.stage,
        )

    def _settings(self, project: Project, receipt_key: str) -> Settings:
        """Return what the endpoint reads from its environment."""
        return replace(
            self.settings(),
            model=project.name,
            receipt_key=receipt_key,
            flush_seconds=str(project.serving.flush_seconds),
            flush_rows=str(project.serving.flush_rows),
            flush_at_shutdown="on" if project.serving.flush_at_shutdown else "off",
            sample_share=str(project.serving.sample_share),
        )
