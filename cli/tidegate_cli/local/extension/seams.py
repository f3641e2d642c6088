"""Seams: check, before anything is patched, that the emulator is still the one we know.

Every private name of ministack that the extension replaces is declared here once, with most of
those it calls; `replace` refuses any other. So a new version of the emulator fails at start, naming
the seam, and never half-way.
"""

import importlib
import inspect
from dataclasses import dataclass
from importlib import metadata
from typing import Any

KNOWN_VERSION = "1.5.33"


class SeamError(RuntimeError):
    """A private name of the emulator is gone or has another shape."""


@dataclass(frozen=True)
class Seam:
    """One name the extension depends on; `parameters` is None when it is not a function."""

    module: str
    name: str
    parameters: tuple[str, ...] | None = None

    @property
    def path(self) -> str:
        """Give the dotted name for a message."""
        return f"{self.module}.{self.name}"


_LAMBDA = "ministack.services.lambda_svc"
_RUNTIME = "ministack.core.lambda_runtime"
_STATES = "ministack.services.stepfunctions"
_METRICS = "ministack.services.cloudwatch"
_LOGS = "ministack.services.cloudwatch_logs"
_EVENTS = "ministack.services.eventbridge"
_SCHEDULER = "ministack.services.scheduler"
_IAM = "ministack.core.iam_evaluator"
_APP = "ministack.app"

SEAMS: tuple[Seam, ...] = (
    Seam(_APP, "app", ("scope", "receive", "send")),
    Seam(_APP, "SERVICE_HANDLERS"),
    Seam(_APP, "AUTH"),
    Seam(_APP, "_load_persisted_state", ()),
    Seam(
        _LAMBDA,
        "_invoke",
        ("name", "event", "headers", "path_qualifier", "query_params"),
    ),
    Seam(_LAMBDA, "_get_func_record_for_ref", ("function_ref",)),
    Seam(_LAMBDA, "_resolve_name_and_qualifier", ("name_or_arn",)),
    Seam(_LAMBDA, "_execute_function_warm", ("func", "event", "request_id")),
    Seam(_LAMBDA, "_execute_function_with_config_scope", ("func", "event")),
    Seam(
        _LAMBDA,
        "_emit_lambda_logs",
        ("func", "request_id", "log_text", "error", "duration_ms", "log_source"),
    ),
    Seam(_LAMBDA, "_emit_lambda_metrics", ("function_name", "duration_ms", "error", "throttle")),
    Seam(_LAMBDA, "_ensure_reaper_thread", ()),
    Seam(_LAMBDA, "_throttle_response", ("reason_code", "msg", "retry_after")),
    Seam(_LAMBDA, "_resolve_layer_zip", ("attachment",)),
    Seam(_LAMBDA, "_functions"),
    Seam(
        _RUNTIME,
        "acquire_worker",
        ("func_name", "config", "code_zip", "qualifier", "max_concurrency"),
    ),
    Seam(_RUNTIME, "release_worker", ("worker",)),
    Seam(_RUNTIME, "reset", ()),
    Seam(_RUNTIME, "execution_credentials", ("config",)),
    Seam(_RUNTIME, "_account_region_from_function_config", ("config",)),
    Seam(_RUNTIME, "_worker_class_for", ("config",)),
    Seam(_STATES, "_SERVICE_DISPATCH"),
    Seam(_STATES, "_ExecutionError", ("error", "cause")),
    Seam(_STATES, "_execute_task", ("state_def", "raw_input", "execution", "ctx")),
    Seam(_STATES, "_invoke_resource", ("resource", "input_data")),
    Seam(_STATES, "_apply_output_path", ("state_def", "data", "ctx")),
    Seam(
        _STATES,
        "_apply_jsonata_output",
        ("state_def", "raw_input", "ctx", "result", "error_output", "default"),
    ),
    Seam(
        _STATES,
        "_evaluate_jsonata",
        ("expression", "raw_input", "ctx", "result", "error_output"),
    ),
    Seam(_STATES, "_state_query_language", ("state_def", "ctx")),
    Seam(
        _STATES,
        "_run_distributed_map",
        ("state_def", "raw_input", "effective", "iterator", "execution", "ctx"),
    ),
    Seam(_STATES, "_jsonata_state_field", ("state_def", "field", "expected", "raw_input", "ctx")),
    Seam(
        _STATES,
        "_apply_jsonata_template",
        ("value", "raw_input", "ctx", "result", "error_output"),
    ),
    Seam(_STATES, "_map_runs"),
    Seam("ministack.services.s3", "_put_object", ("bucket_name", "key", "body", "headers")),
    Seam(_STATES, "_executions"),
    Seam(_STATES, "_state_machines"),
    Seam(_METRICS, "_alarms"),
    Seam(_METRICS, "_metrics"),
    Seam(_METRICS, "_metric_bucket", ("key",)),
    Seam(_METRICS, "_evaluate_all_alarms", ()),
    Seam(_METRICS, "_evaluate_parent_alarms", ("child", "seen")),
    Seam(_METRICS, "_dispatch_alarm_actions", ("alarm", "old_state", "new_state", "reason")),
    Seam(
        _METRICS,
        "_record_history",
        ("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"),
    ),
    Seam(
        _METRICS,
        "_store_datum",
        ("namespace", "name", "dims", "ts", "unit", "value", "values", "counts", "stat_values"),
    ),
    Seam(_METRICS, "_calc_stats", ("points",)),
    Seam(_METRICS, "_stat_value", ("stats", "stat_name", "points")),
    Seam(_METRICS, "_dims_key", ("dims",)),
    Seam(_METRICS, "_composite_alarms"),
    Seam(_METRICS, "_put_composite_alarm", ("params", "cbor_data", "is_cbor", "is_json")),
    Seam("ministack.services.budgets", "_create_budget", ("data",)),
    Seam("ministack.services.budgets", "_delete_budget", ("data",)),
    Seam("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS"),
    Seam(_LOGS, "_log_groups"),
    Seam(_LOGS, "_make_group_arn", ("name",)),
    Seam(_LOGS, "_append_log_events", ("stream", "events")),
    Seam(
        _LOGS,
        "_fanout_to_subscription_filters",
        ("group_name", "stream_name", "events"),
    ),
    Seam(_LOGS, "_compile_filter_pattern", ("raw",)),
    Seam(_EVENTS, "_put_events", ("data", "allow_aws_source")),
    Seam(_EVENTS, "_invoke_target", ("target", "event", "rule", "view")),
    Seam(_EVENTS, "_parse_rate_seconds", ("expr",)),
    Seam(_EVENTS, "_SCHEDULER_TICK_INTERVAL"),
    Seam(_SCHEDULER, "_SCHEDULE_TICK_INTERVAL"),
    Seam(_APP, "_parse_execute_api_url", ("host", "path")),
    Seam(_APP, "_resolve_stage_and_path", ("api_id", "tentative_stage", "execute_path")),
    Seam(
        _APP,
        "_handle_execute_api_request",
        (
            "host",
            "path",
            "method",
            "headers",
            "body",
            "query_params",
            "raw_path",
            "raw_query_string",
        ),
    ),
    Seam("ministack.services.apigateway", "stages_for_api", ("api_id",)),
    Seam("ministack.services.apigateway", "_match_route", ("api_id", "method", "path")),
    Seam("ministack.services.dynamodb", "_tables"),
    Seam("ministack.services.dynamodb", "_update_ttl", ("data",)),
    Seam("ministack.services.dynamodb", "_update_continuous_backups", ("data",)),
    Seam("ministack.core.iam_actions", "dynamodb_service_context", ("body",)),
    Seam(_EVENTS, "_dispatch_to_lambda", ("arn", "payload")),
    Seam(_LAMBDA, "invoke_async_with_retry", ("func", "event")),
    Seam("ministack.services.iam", "_roles"),
    Seam("ministack.services.kms", "_resolve_key", ("key_id_or_arn",)),
    Seam("ministack.core.iam_actions", "_lambda_action", ("method", "path")),
    Seam(
        "ministack.core.iam_actions",
        "extract_resource_arn",
        (
            "service",
            "method",
            "path",
            "headers",
            "body",
            "query_params",
            "region",
            "account_id",
        ),
    ),
    Seam(_IAM, "EvalContext"),
    Seam(_IAM, "_action_matches", ("request_action", "actions", "not_actions")),
    Seam(_IAM, "evaluate", ("ctx", "policies", "limits")),
    Seam(_IAM, "_resolve_condition_key", ("key", "ctx")),
    Seam(_IAM, "_gather_role_policies", ("role_name", "account_id")),
)


def load(module: str) -> Any:
    """Import a module of the emulator; it carries no types, so this is the one door to it."""
    return importlib.import_module(module)


def check(seams: tuple[Seam, ...] = SEAMS) -> None:
    """Raise `SeamError` for the first seam that is missing or has other parameters."""
    for seam in seams:
        fault = _fault(seam)
        if fault:
            raise SeamError(
                f"the seam {seam.path} of the emulator {fault}. Installed: ministack "
                f"{metadata.version('ministack')}, known to this extension: {KNOWN_VERSION}. "
                "Run `tidegate local up --fresh` to reinstall the pinned version, and keep the pin "
                "in cli/tidegate_cli/local/requirements.txt until the extension knows a newer one."
            )


def replace(module: str, name: str, value: Any) -> Any:
    """Put `value` in the place of a declared seam and return what was there."""
    if not any(seam.module == module and seam.name == name for seam in SEAMS):
        raise SeamError(f"{module}.{name} is patched but not declared in seams.SEAMS")
    target = load(module)
    before = getattr(target, name)
    setattr(target, name, value)
    return before


def _fault(seam: Seam) -> str | None:
    try:
        value = getattr(load(seam.module), seam.name)
    except (ImportError, AttributeError):
        return "is gone"
    if seam.parameters is None:
        return None
    found = tuple(inspect.signature(value).parameters)
    if found == seam.parameters:
        return None
    return f"takes ({', '.join(found)}) and not ({', '.join(seam.parameters)})"
