"""Dashboard: a row per model, then the control plane."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.constructs.arns import machine_arn
from stacks.constructs.control_functions import SHAPES
from stacks.constructs.front_door import STAGE
from tidegate.settings import LIVE_ALIAS, NAMESPACE, Names

_WIDTH = 24


class Dashboard(Construct):
    """The environment at a glance."""

    def __init__(
        self, scope: Construct, id_: str, *, env: str, models: Sequence[str], api_id: str
    ) -> None:
        super().__init__(scope, id_)
        self._names, self._api_id = Names(env), api_id
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self._names.prefix)
        for model in models:
            dashboard.add_widgets(cloudwatch.TextWidget(markdown=f"## {model}", width=_WIDTH))
            dashboard.add_widgets(*self._model_row(model))
        dashboard.add_widgets(cloudwatch.TextWidget(markdown="## Control plane", width=_WIDTH))
        dashboard.add_widgets(*self._control_row())

    def _model_row(self, model: str) -> list[cloudwatch.GraphWidget]:
        """Return requests and errors, latency, drift, labels."""
        function = self._names.endpoint(model)
        alias = {"FunctionName": function, "Resource": f"{function}:{LIVE_ALIAS}"}
        route = {
            "ApiId": self._api_id,
            "Stage": STAGE,
            "Method": "POST",
            "Resource": f"/models/{model}/predict",
        }
        own = {"Env": self._names.env, "Model": model}
        requests = [
            _metric("AWS/Lambda", "Invocations", alias),
            _metric("AWS/Lambda", "Errors", alias),
            _metric("AWS/ApiGateway", "4xx", route),
            _metric("AWS/ApiGateway", "5xx", route),
            _metric(NAMESPACE, "Requests", own),  # beside invocations: what was never counted shows
        ]
        latency = [_metric("AWS/Lambda", "Duration", alias, s) for s in ("p50", "p95", "p99")]
        drift = [_metric(NAMESPACE, m, own, "Maximum") for m in ("DriftScore", "DriftConfirmed")]
        evidence = [_metric(NAMESPACE, m, own, "Average") for m in ("LabelCoverage", "Performance")]
        return _row({"Requests": requests, "Latency": latency, "Drift": drift, "Labels": evidence})

    def _control_row(self) -> list[cloudwatch.GraphWidget]:
        """Return errors of functions, workflows, undelivered events, windows."""
        errors = [
            _metric("AWS/Lambda", "Errors", {"FunctionName": self._names.function(verb)})
            for verb in SHAPES
        ]
        workflows = [
            _metric("AWS/States", metric, {"StateMachineArn": machine_arn(self, machine)})
            for machine in (self._names.train_machine, self._names.release_machine)
            for metric in ("ExecutionsSucceeded", "ExecutionsFailed")
        ]
        queue = {"QueueName": self._names.undelivered}
        undelivered = [_metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, "Maximum")]
        env = {"Env": self._names.env}
        windows = [_metric(NAMESPACE, m, env) for m in ("WindowsStored", "WindowsRefused")]
        return _row(
            {
                "Function errors": errors,
                "Workflows": workflows,
                "Undelivered": undelivered,
                "Windows": windows,
            }
        )


def _metric(
    namespace: str, name: str, dimensions: dict[str, str], statistic: str = "Sum"
) -> cloudwatch.IMetric:
    return cloudwatch.Metric(
        namespace=namespace, metric_name=name, dimensions_map=dimensions, statistic=statistic
    )


def _row(graphs: dict[str, list[cloudwatch.IMetric]]) -> list[cloudwatch.GraphWidget]:
    width = _WIDTH // len(graphs)
    return [
        cloudwatch.GraphWidget(title=title, left=metrics, width=width)
        for title, metrics in graphs.items()
    ]
