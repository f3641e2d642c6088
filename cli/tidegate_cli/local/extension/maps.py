"""Maps: a Distributed Map in JSONata, its results written to S3, its role asked before it starts.

The emulator runs the children; it reads the fields of the state as JSONPath, and drops the writer.
"""

import json
from typing import Any

from . import roles, seams

_STATES = "ministack.services.stepfunctions"
_NUMBERS = ("MaxConcurrency", "ToleratedFailurePercentage", "ToleratedFailureCount")
_SHOWN = ("executionArn", "input", "name", "output", "error", "cause", "status", "stopDate")


def install() -> None:
    """Put the mend in place."""
    service = seams.load(_STATES)
    run = service._run_distributed_map

    def run_distributed_map(
        state_def: Any, raw_input: Any, effective: Any, iterator: Any, execution: Any, ctx: Any
    ) -> Any:
        if service._state_query_language(state_def, ctx) != "JSONata":
            return run(state_def, raw_input, effective, iterator, execution, ctx)
        resolved = _resolved(service, state_def, raw_input, ctx)
        writer = resolved.pop("ResultWriter", None)
        _ask_role(service, resolved, writer, execution)
        written = None
        try:
            result, following = run(resolved, raw_input, effective, iterator, execution, ctx)
        finally:  # the results of a map that failed are written as well
            if writer:
                written = _write(service, writer["Arguments"], execution)
        result = written or result
        return service._apply_jsonata_output(
            state_def, raw_input, ctx, result=result, default=result
        ), following

    seams.replace(_STATES, "_run_distributed_map", run_distributed_map)


def _resolved(service: Any, state_def: dict[str, Any], raw_input: Any, ctx: Any) -> dict[str, Any]:
    """Return the state with its expressions evaluated, and without what comes after the map."""
    resolved = {key: value for key, value in state_def.items() if key not in ("Output", "Assign")}
    for name in _NUMBERS:
        if name in resolved:
            resolved[name] = service._jsonata_state_field(state_def, name, "number", raw_input, ctx)
    for name in ("ItemReader", "ResultWriter"):
        if name in resolved:
            arguments = resolved[name].get("Arguments", {})
            found = service._apply_jsonata_template(arguments, raw_input, ctx)
            resolved[name] = {**resolved[name], "Arguments": found}
    return resolved


def _ask_role(service: Any, state_def: dict[str, Any], writer: Any, execution: Any) -> None:
    """Refuse what the machine's role may not do: read items, write results, start children."""
    machine = execution["stateMachineArn"]
    role = (service._state_machines.get(machine) or {}).get("roleArn")
    if not role:
        return
    needs = [("states:StartExecution", machine, "States.Runtime")]
    reader = state_def.get("ItemReader", {}).get("Arguments", {})
    if "Key" in reader:
        needs.append(("s3:GetObject", _object(reader, "Key"), "States.ItemReaderFailed"))
    if writer:
        target = f"{_object(writer['Arguments'], 'Prefix')}/manifest.json"
        needs.append(("s3:PutObject", target, "States.ResultWriterFailed"))
    for action, resource, error in needs:
        if not roles.allowed(role, action, resource):
            raise service._ExecutionError(error, roles.denial(role, action, resource))


def _object(arguments: dict[str, Any], name: str) -> str:
    return f"arn:aws:s3:::{arguments.get('Bucket')}/{str(arguments.get(name, '')).rstrip('/')}"


def _write(service: Any, target: dict[str, Any], execution: Any) -> dict[str, Any] | None:
    """Write results and manifest as AWS does; None when the map didn't come to have a run."""
    own = execution["executionArn"]
    runs = [run for run in list(service._map_runs.values()) if run["executionArn"] == own]
    if not runs:
        return None
    arn = runs[-1]["mapRunArn"]
    folder = f"{target.get('Prefix', '').rstrip('/')}/{arn.rpartition(':')[2]}".lstrip("/")
    children = [e for e in list(service._executions.values()) if e.get("mapRunArn") == arn]
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status in ("FAILED", "SUCCEEDED"):
        found = [_shown(child) for child in children if child["status"] == status]
        if found:
            key, body = f"{folder}/{status}_0.json", json.dumps(found).encode()
            _put(target["Bucket"], key, body)
            files[status].append({"Key": key, "Size": len(body)})
    manifest = {"DestinationBucket": target["Bucket"], "MapRunArn": arn, "ResultFiles": files}
    _put(target["Bucket"], f"{folder}/manifest.json", json.dumps(manifest).encode())
    details = {"Bucket": target["Bucket"], "Key": f"{folder}/manifest.json"}
    return {"MapRunArn": arn, "ResultWriterDetails": details}


def _shown(child: dict[str, Any]) -> dict[str, Any]:
    return {f"{name[0].upper()}{name[1:]}": child.get(name) for name in _SHOWN}


def _put(bucket: str, key: str, body: bytes) -> None:
    seams.load("ministack.services.s3")._put_object(bucket, key, body, {})
