"""ModelAlarms: drift, a silent monitor, a refused package, a failing endpoint."""

from __future__ import annotations

from constructs import Construct

from stacks.constructs.alarm import Alarm, Watch
from stacks.constructs.front_door import STAGE
from stacks.stage import StageSettings
from tidegate.settings import LIVE_ALIAS, NAMESPACE, Names

_LONGEST_PERIOD = 86_400


class ModelAlarms(Construct):
    """The alarms of one model."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        model: str,
        every_minutes: int,
        api_id: str,
        stage: StageSettings,
    ) -> None:
        super().__init__(scope, id_)
        self._model, self._stage, self._names = model, stage, Names(stage.env)
        self._watch_drift()
        self._watch_monitor(every_minutes)
        self._watch_packages()
        self._watch_endpoint(api_id)

    def _watch_drift(self) -> None:
        """Ring once per look that confirms drift: the monitor, not the alarm, counts M of N.

        A minute without a look counts as no drift, so the next confirmed look is a change of state
        again, and the governor is asked again (it decides on cool-down, and says why).
        """
        watch = Watch(NAMESPACE, "DriftConfirmed", self._dimensions(), "Maximum", period_seconds=60)
        Alarm(
            self,
            "Drift",
            name=self._names.drift_alarm(self._model),
            description=f"The monitor confirmed drift of {self._model}",
            watch=watch,
            stage=self._stage,
        )

    def _watch_monitor(self, every_minutes: int) -> None:
        """Ring when two looks in a row did not happen."""
        watch = Watch(
            NAMESPACE,
            "MonitorHeartbeat",
            self._dimensions(),
            below=True,
            period_seconds=min(every_minutes * 60, _LONGEST_PERIOD),
            periods=2,
            missing="breaching",
        )
        Alarm(
            self,
            "Heartbeat",
            name=self._names.heartbeat_alarm(self._model),
            description=f"The monitor of {self._model} does not run",
            watch=watch,
            stage=self._stage,
        )

    def _watch_packages(self) -> None:
        """Ring when a release met bytes or a signature that are not those of its version."""
        Alarm(
            self,
            "PackageRefused",
            name=f"{self._names.prefix}-{self._model}-package-refused",
            description=f"A release of {self._model} refused its package or its signature",
            watch=Watch(NAMESPACE, "PackageRefused", self._dimensions()),
            stage=self._stage,
        )

    def _watch_endpoint(self, api_id: str) -> None:
        """Ring on answers 5xx of the route, and on crashes that never became an answer."""
        path = f"/models/{self._model}/predict"
        function = self._names.endpoint(self._model)
        route = {"ApiId": api_id, "Stage": STAGE, "Method": "POST", "Resource": path}
        alias = {"FunctionName": function, "Resource": f"{function}:{LIVE_ALIAS}"}
        watches = {
            "ServerErrors": Watch("AWS/ApiGateway", "5xx", route),
            "Crashes": Watch("AWS/Lambda", "Errors", alias),
        }
        for id_, watch in watches.items():
            Alarm(
                self,
                id_,
                name=f"{self._names.prefix}-{self._model}-{_kebab(id_)}",
                description=f"{self._model}: {watch.metric} of the endpoint in five minutes",
                watch=watch,
                stage=self._stage,
            )

    def _dimensions(self) -> dict[str, str]:
        return {"Env": self._stage.env, "Model": self._model}


def _kebab(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
