"""Control stack: the functions that decide and act, and the workflows that string them together."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from stacks.constructs.arns import machine_arn
from stacks.constructs.automation_switch import AutomationSwitch
from stacks.constructs.batch_access import grant_map
from stacks.constructs.control_functions import ControlFunctions
from stacks.constructs.drift_rule import DriftRule
from stacks.constructs.entrances import let_api_in, let_endpoint_logs_in
from stacks.constructs.layer_set import LayerSet
from stacks.constructs.permissions import grant_start, grant_training
from stacks.constructs.python_function import NOT_SHIPPED, Host
from stacks.constructs.schedule_group import schedule_group
from stacks.constructs.sweep_schedule import SweepSchedule
from stacks.constructs.training_role import TrainingRole
from stacks.constructs.undelivered_queue import UndeliveredQueue
from stacks.constructs.workflow import Workflow
from stacks.environment_stack import EnvironmentStack
from stacks.platform import PlatformStack
from stacks.sources import Sources
from stacks.stage import StageSettings


class ControlStack(EnvironmentStack):
    """Functions, training role, workflows, and who may call them."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: StageSettings,
        platform: PlatformStack,
        sources: Sources,
    ) -> None:
        super().__init__(scope, id_, stage=stage, component="control", description="control plane")
        self.add_stack_dependency(platform)
        self._sources = sources
        framework = assets.Asset(
            self, "Framework", path=str(sources.framework), exclude=NOT_SHIPPED
        )
        undelivered = UndeliveredQueue(self, "Undelivered", env=stage.env)
        settings = replace(
            self.settings(),
            training_image=stage.training_image,
            framework_uri=framework.s3_object_url,
        )
        layers = LayerSet(self, "Layers", stage=stage)
        host = Host(stage, settings, sources, layers, undelivered.queue)
        self.functions = ControlFunctions(self, "Functions", host=host, platform=platform)
        self.training = TrainingRole(
            self,
            "Training",
            env=stage.env,
            artifacts=platform.artifacts,
            framework=framework,
        )
        self._workflows(platform)
        self._entrances(platform)
        self._wakers(host)

    def _workflows(self, platform: PlatformStack) -> None:
        """Make the training and the release machine; the first starts the second."""
        functions = self.functions
        release = Workflow(
            self,
            "ReleaseWorkflow",
            name=self.names.release_machine,
            definition=self._sources.workflow("release"),
            stage=self.stage,
            functions=functions.arguments("release", "judge"),
        )
        self._batch(platform)
        train = Workflow(
            self,
            "TrainWorkflow",
            name=self.names.train_machine,
            definition=self._sources.workflow("train"),
            stage=self.stage,
            functions=functions.arguments("snapshot", "inspect", "evaluate", "register", "record"),
            values={"ReleaseMachine": machine_arn(self, self.names.release_machine)},
        )
        grant_training(train.role, env=self.stage.env, training_role=self.training.arn)
        grant_start(train.role, machine=self.names.release_machine)
        self.machines = (train.machine, release.machine)

    def _batch(self, platform: PlatformStack) -> None:
        """Make the batch machine, which runs one child of itself per object."""
        name = self.names.batch_machine
        batch = Workflow(
            self,
            "BatchWorkflow",
            name=name,
            definition=self._sources.workflow("batch"),
            stage=self.stage,
            functions=self.functions.arguments("batch", "score"),
        )
        grant_map(batch.role, files=platform.artifacts, machine=name)
        machine = cast("states.CfnStateMachine", batch.machine.node.default_child)
        # cfn-lint takes no expression for the map's two bounds; Step Functions does, in JSONata.
        machine.add_metadata("cfn-lint", {"config": {"ignore_checks": ["E3601"]}})

    def _wakers(self, host: Host) -> None:
        """Let alarms call govern while nobody has paused it, and a schedule call sweep."""
        govern, schedules = self.functions["govern"], self.names.schedules
        DriftRule(self, "DriftRule", govern=govern, host=host)
        AutomationSwitch(self, "Automation", env=self.stage.env).grant_read(govern.role)
        group = schedule_group(self, "Schedules", name=schedules)
        sweep = self.functions["sweep"].name
        SweepSchedule(self, "Sweep", stage=self.stage, sweep=sweep).begin_after(group)

    def _entrances(self, platform: PlatformStack) -> None:
        """Let the API call feedback, and the endpoints' logs call collect."""
        let_api_in(self.functions["feedback"], api_id=platform.front_door.api_id)
        let_endpoint_logs_in(self.functions["collect"], env=self.stage.env)
