"""States: let a state machine do only what its role allows, and mend two gaps of the emulator.

The role is asked before each task. `Output` of a JSONata Succeed state is applied, and the context
object carries `RedriveCount`, from which names of training jobs are built.
"""

import contextvars
from typing import Any

from . import roles, seams

_STATES = "ministack.services.stepfunctions"
_Task = tuple[str | None, dict[str, Any]]
_task: contextvars.ContextVar[_Task] = contextvars.ContextVar("task", default=(None, {}))

# integration -> (action, the argument that names the resource, the prefix of AWS's error names)
_INTEGRATIONS: dict[str, tuple[str, str, str]] = {
    "lambda:invoke": ("lambda:InvokeFunction", "FunctionName", "Lambda.AWSLambdaException"),
    "dynamodb:getItem": ("dynamodb:GetItem", "TableName", "DynamoDB.AmazonDynamoDBException"),
    "dynamodb:putItem": ("dynamodb:PutItem", "TableName", "DynamoDB.AmazonDynamoDBException"),
    "dynamodb:updateItem": ("dynamodb:UpdateItem", "TableName", "DynamoDB.AmazonDynamoDBException"),
    "dynamodb:deleteItem": ("dynamodb:DeleteItem", "TableName", "DynamoDB.AmazonDynamoDBException"),
    "events:putEvents": (
        "events:PutEvents",
        "EventBusName",
        "EventBridge.AmazonEventBridgeException",
    ),
    "sns:publish": ("sns:Publish", "TopicArn", "SNS.AmazonSNSException"),
    "sqs:sendMessage": ("sqs:SendMessage", "QueueUrl", "SQS.AmazonSQSException"),
    "states:startExecution": (
        "states:StartExecution",
        "StateMachineArn",
        "StepFunctions.AWSStepFunctionsException",
    ),
}
_KINDS = {
    "lambda:InvokeFunction": "arn:aws:lambda:{region}:{account}:function:{name}",
    "dynamodb": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "events:PutEvents": "arn:aws:events:{region}:{account}:event-bus/{name}",
    "sqs:SendMessage": "arn:aws:sqs:{region}:{account}:{name}",
}


def current_role() -> str | None:
    """Give the role of the state machine whose task is running on this thread."""
    return _task.get()[0]


def still_running() -> bool:
    """Tell whether the execution whose task is running on this thread has not been stopped."""
    return bool(_task.get()[1].get("status", "RUNNING") == "RUNNING")


def required(resource: str, arguments: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    """List what a task needs: action, resource (None: not known), and the error when refused."""
    if resource.startswith("arn:aws:lambda:"):
        return [("lambda:InvokeFunction", resource, "Lambda.AWSLambdaException")]
    service = resource.removeprefix("arn:aws:states:::").split(".")[0]
    if service.startswith("aws-sdk:"):
        _, name, call = service.split(":")
        prefix = {"sfn": "states", "cloudwatch": "cloudwatch", "eventbridge": "events"}
        action = f"{prefix.get(name, name)}:{call[0].upper()}{call[1:]}"
        return [(action, None, f"{name.capitalize()}.{name.capitalize()}Exception")]
    known = _INTEGRATIONS.get(service)
    if known is None:
        return []  # the SageMaker integration asks for itself, it needs more than one action
    action, argument, error = known
    if service == "events:putEvents":
        names = {e.get("EventBusName") or "default" for e in arguments.get("Entries", [])}
        return [(action, _arn(action, name), error) for name in names]
    return [(action, _arn(action, str(arguments.get(argument, ""))), error)]


def install() -> None:
    """Put the checks and the mends in place."""
    service = seams.load(_STATES)
    _check_roles(service)
    _apply_output_of_succeed(service)
    _complete_context(service)


def abandon_executions() -> int:
    """Say of executions that a former server left running that they were aborted, and why.

    Nobody would ever finish them. The emulator calls them failed when it reads its state back; none
    of their states failed, the whole execution was stopped, as by StopExecution.
    """
    left = [e for e in seams.load(_STATES)._executions.all_values() if _was_left(e)]
    for execution in left:
        execution["status"] = "ABORTED"
        execution["error"] = "LocalCloud.Stopped"
        execution["cause"] = "the local cloud was stopped while this execution ran"
        execution["stopDate"] = execution.get("stopDate") or execution.get("startDate")
    return len(left)


def _was_left(execution: dict[str, Any]) -> bool:
    return execution.get("status") == "RUNNING" or execution.get("error") == "States.ServiceRestart"


def _check_roles(service: Any) -> None:
    execute, invoke = service._execute_task, service._invoke_resource

    def execute_task(state_def: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        # A child of a map has the machine's ARN with the map's label behind it.
        arn = execution["stateMachineArn"].partition("/")[0]
        machine = service._state_machines.get(arn) or {}
        token = _task.set((machine.get("roleArn"), execution))
        try:
            return execute(state_def, raw_input, execution, ctx)
        finally:
            _task.reset(token)

    def invoke_resource(resource: str, input_data: Any) -> Any:
        role = current_role()
        if role:
            arguments = input_data if isinstance(input_data, dict) else {}
            for action, arn, error in required(resource, arguments):
                granted = (
                    roles.may_at_all(role, action)
                    if arn is None
                    else roles.allowed(role, action, arn)
                )
                if not granted:
                    raise service._ExecutionError(error, roles.denial(role, action, arn or "*"))
        return invoke(resource, input_data)

    seams.replace(_STATES, "_execute_task", execute_task)
    seams.replace(_STATES, "_invoke_resource", invoke_resource)


def _apply_output_of_succeed(service: Any) -> None:
    apply = service._apply_output_path

    def apply_output_path(state_def: Any, data: Any, ctx: Any = None) -> Any:
        if state_def.get("Type") != "Succeed" or "Output" not in state_def:
            return apply(state_def, data, ctx)
        if service._state_query_language(state_def, ctx) != "JSONata":
            return apply(state_def, data, ctx)
        return service._apply_jsonata_output(state_def, data, ctx, default=data)

    seams.replace(_STATES, "_apply_output_path", apply_output_path)


def _complete_context(service: Any) -> None:
    evaluate = service._evaluate_jsonata

    def evaluate_jsonata(
        expression: str,
        raw_input: Any,
        ctx: Any = None,
        result: Any = None,
        error_output: Any = None,
    ) -> Any:
        if ctx and "Execution" in ctx:
            ctx["Execution"].setdefault("RedriveCount", 0)
            ctx["Execution"].setdefault("RoleArn", current_role() or "")
        return evaluate(expression, raw_input, ctx, result, error_output)

    seams.replace(_STATES, "_evaluate_jsonata", evaluate_jsonata)


def _arn(action: str, name: str) -> str:
    if name.startswith("arn:"):
        return name
    pattern = _KINDS.get(action) or _KINDS.get(action.partition(":")[0])
    responses = seams.load("ministack.core.responses")
    if pattern is None:
        return name
    return pattern.format(
        region=responses.get_region(),
        account=responses.get_account_id(),
        name=name.rsplit("/", 1)[-1],
    )
