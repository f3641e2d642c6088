"""Drive a local cloud from tests: clients, roles, functions, training jobs, and patience."""

import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tidegate_cli.local.state import Endpoint

Found = TypeVar("Found")
ACCOUNT = "000000000000"


def eventually(look: Callable[[], Found | None], seconds: float = 30.0) -> Found:
    """Return the first true answer; fail when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing within {seconds} s; last answer: {found!r}"
        time.sleep(0.1)
    return found


def zipped(code: str) -> bytes:
    """Pack a one-file function."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", code)
    return buffer.getvalue()


def allow(
    actions: str | list[str], resource: str = "*", **condition: dict[str, Any]
) -> dict[str, Any]:
    """Write one Allow statement."""
    extra = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **extra}


@dataclass
class Driver:
    """One local cloud and what tests made in it."""

    endpoint: Endpoint
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a client with the emulator's root credentials."""
        if service not in self._clients:
            make: Any = boto3.client  # typed per literal name, and this one is a variable
            self._clients[service] = make(
                service,
                endpoint_url=self.endpoint.url,
                region_name="us-east-1",
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="test",
            )
        return self._clients[service]

    def role(self, name: str, service: str, *statements: dict[str, Any]) -> str:
        """Make a role for a service, or give it other statements."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(
                RoleName=name,
                AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
            )
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=document)
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def function(self, name: str, code: str, *statements: dict[str, Any], **options: object) -> str:
        """Make a function that may write its log and what the statements say."""
        role = self.role(f"{name}-role", "lambda.amazonaws.com", allow("logs:*"), *statements)
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": zipped(code)},
            **options,
        )
        return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"

    def invoke(
        self, name: str, payload: object = None, qualifier: str = "$LATEST"
    ) -> dict[str, Any]:
        """Invoke a function; the payload of the answer is decoded."""
        body = json.dumps(payload or {}).encode()
        answer = self.client("lambda").invoke(FunctionName=name, Qualifier=qualifier, Payload=body)
        return {**answer, "Payload": json.loads(answer["Payload"].read())}

    def messages(self, group: str, pattern: str = "") -> list[str]:
        """List the messages of a log group."""
        logs = self.client("logs")
        try:
            events = logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in events]

    def machine(self, name: str, role: str, states: dict[str, Any]) -> str:
        """Make a JSONata state machine."""
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
        answer = self.client("stepfunctions").create_state_machine(
            name=name, roleArn=role, definition=json.dumps(definition)
        )
        return str(answer["stateMachineArn"])

    def run(self, machine: str, payload: object = None) -> dict[str, Any]:
        """Run an execution to its end."""
        states = self.client("stepfunctions")
        started = states.start_execution(stateMachineArn=machine, input=json.dumps(payload or {}))

        def ended() -> dict[str, Any] | None:
            found = states.describe_execution(executionArn=started["executionArn"])
            return found if found["status"] != "RUNNING" else None

        return eventually(ended)

    def queue(self, name: str) -> tuple[str, str]:
        """Make a queue and return its URL and ARN."""
        url = self.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        return url, f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"

    def bodies(self, url: str) -> list[Any]:
        """Take messages from a queue."""
        answer = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def post(self, api: str, path: str, *, signed: bool = True) -> tuple[int, Any]:
        """Call an HTTP API the way a client without DNS for *.localhost does."""
        url = f"{self.endpoint.url}/_aws/execute-api/{api}/$default{path}"
        request = AWSRequest("POST", url, data=b"{}", headers={"content-type": "application/json"})
        if signed:
            SigV4Auth(Credentials(ACCOUNT, "test"), "execute-api", "us-east-1").add_auth(request)
        plain = urllib.request.Request(
            url, data=b"{}", headers=dict(request.headers), method="POST"
        )
        try:
            with urllib.request.urlopen(plain) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
