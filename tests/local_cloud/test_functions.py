"""Functions run as on AWS: what they see, what they may, what they log."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.local_cloud.driver import Driver, allow, eventually
from tidegate.aws.lambda_traffic import LambdaTraffic

pytestmark = pytest.mark.local


def test_a_worker_sees_its_own_environment_and_nothing_of_the_host(
    driver: Driver, name: str
) -> None:
    code = "import os, sys\ndef handler(e, c): return [dict(os.environ), sys.path]"
    driver.function(name, code, MemorySize=256, Environment={"Variables": {"MINE": "1"}})
    environment, path = driver.invoke(name)["Payload"]
    assert environment["MINE"] == "1"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert environment["AWS_ENDPOINT_URL"] == driver.endpoint.url
    assert not {"HOME", "PYTHONPATH", "STATE_DIR", "GATEWAY_PORT", "AUTH"} & set(environment)
    assert not any(
        part.startswith(("TIDEGATE", "MINISTACK", "UV_", "PIP_")) for part in environment
    )
    assert [part for part in path if "site-packages" in part] == []


def test_layers_come_after_the_code_and_before_the_runtime(driver: Driver, name: str) -> None:
    arns = []
    for number in (1, 2):
        archive = zipped_layer({"python/shared.py": f"N = {number}", f"python/only{number}.py": ""})
        answer = driver.client("lambda").publish_layer_version(
            LayerName=f"{name}-{number}", Content={"ZipFile": archive}
        )
        arns.append(answer["LayerVersionArn"])
    code = "import shared, only1, only2, boto3\ndef handler(e, c): return shared.N"
    driver.function(name, code, Layers=arns)
    assert driver.invoke(name)["Payload"] == 2  # AWS lays a later layer over an earlier one


def zipped_layer(files: dict[str, str]) -> bytes:
    """Pack a layer."""
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return buffer.getvalue()


def test_an_error_carries_its_class_and_the_worker_survives_it(driver: Driver, name: str) -> None:
    code = (
        "import os\n"
        "class RegistryConflictError(Exception): pass\n"
        "def handler(event, context):\n"
        "    if event.get('fail'): raise RegistryConflictError('taken')\n"
        "    return os.getpid()\n"
    )
    driver.function(name, code)
    before = driver.invoke(name)["Payload"]
    failed = driver.invoke(name, {"fail": True})
    assert failed["FunctionError"] == "Unhandled"
    assert failed["Payload"]["errorType"] == "RegistryConflictError"
    assert failed["Payload"]["errorMessage"] == "taken"
    assert driver.invoke(name)["Payload"] == before
    logged = driver.messages(f"/aws/lambda/{name}", '"[ERROR] RegistryConflictError: taken"')
    assert len(logged) == 1
    assert "line 4, in handler" in logged[0]


def test_the_json_log_format_is_honoured(driver: Driver, name: str) -> None:
    code = "import logging\ndef handler(e, c): logging.info('%s rows', 3)"
    driver.function(name, code, LoggingConfig={"LogFormat": "JSON"})
    driver.invoke(name)
    [line] = driver.messages(f"/aws/lambda/{name}", '{ $.message = "3 rows" }')
    assert json.loads(line)["level"] == "INFO"


def test_a_timeout_and_a_broken_import_are_told_as_on_aws(driver: Driver, name: str) -> None:
    driver.function(name, "import time\ndef handler(e, c): time.sleep(9)", Timeout=1)
    assert driver.invoke(name)["Payload"]["errorType"] == "Sandbox.Timedout"
    driver.function(f"{name}-b", "import nothing_of_that_name\n")
    assert driver.invoke(f"{name}-b")["Payload"]["errorType"] == "ModuleNotFoundError"


def test_every_line_is_logged_once_under_load(driver: Driver, name: str) -> None:
    driver.function(name, "def handler(event, context): print('line', event['n'])")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: driver.invoke(name, {"n": n}), range(100)))
    lines = sorted(driver.messages(f"/aws/lambda/{name}", "line"))
    assert lines == sorted(f"line {n}" for n in range(100))


def test_a_burst_queues_behind_two_workers(driver: Driver, name: str) -> None:
    code = "import os, time\ndef handler(e, c): time.sleep(0.05); return os.getpid()"
    driver.function(name, code)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: driver.invoke(name)["Payload"], range(16)))
    assert len(set(answers)) == 2


def test_a_role_without_the_right_is_refused(driver: Driver, name: str) -> None:
    table = driver.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
    )["TableDescription"]["TableArn"]
    code = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    client = boto3.client('dynamodb')\n"
        "    try: getattr(client, event['call'])(**event['arguments'])\n"
        "    except client.exceptions.ClientError as e: return e.response['Error']['Code']\n"
    )
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["MODEL#a"]}}
    driver.function(name, code, allow("dynamodb:PutItem", table, **own))

    def call(action: str, **arguments: object) -> object:
        payload = {"call": action, "arguments": {"TableName": name, **arguments}}
        return driver.invoke(name, payload)["Payload"]

    assert call("put_item", Item={"PK": {"S": "MODEL#a"}}) is None
    assert call("put_item", Item={"PK": {"S": "MODEL#b"}}) == "AccessDeniedException"
    assert call("get_item", Key={"PK": {"S": "MODEL#a"}}) == "AccessDeniedException"


def test_loopback_is_a_secure_transport(driver: Driver, name: str) -> None:
    driver.client("s3").create_bucket(Bucket=name)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    driver.client("s3").put_bucket_policy(Bucket=name, Policy=policy)
    code = (
        "import boto3\n"
        "def handler(e, c): boto3.client('s3').put_object(Bucket=e['bucket'], Key='k', Body=b'x')\n"
    )
    driver.function(name, code, allow("s3:PutObject", f"arn:aws:s3:::{name}/*"))
    assert driver.invoke(name, {"bucket": name}).get("FunctionError") is None


def test_a_function_without_log_rights_logs_nothing(driver: Driver, name: str) -> None:
    driver.function(name, "def handler(e, c): print('unseen')")
    driver.role(f"{name}-role", "lambda.amazonaws.com", allow("s3:GetObject"))
    driver.invoke(name)
    assert driver.messages(f"/aws/lambda/{name}") == []


def test_a_subscription_gets_the_lines_its_json_pattern_matches(driver: Driver, name: str) -> None:
    receiver = driver.function(
        f"{name}-r",
        "import base64, gzip, json\n"
        "def handler(event, context):\n"
        "    data = json.loads(gzip.decompress(base64.b64decode(event['awslogs']['data'])))\n"
        "    for e in data['logEvents']: print('GOT', e['id'], e['message'])\n",
    )
    driver.function(
        name,
        "import json\n"
        "def handler(event, context):\n"
        "    print(json.dumps({'kind': 'window', 'n': event['n']}))\n"
        "    print(json.dumps({'kind': 'other'}))\n",
    )
    logs = driver.client("logs")
    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    logs.put_subscription_filter(
        logGroupName=f"/aws/lambda/{name}",
        filterName="windows",
        filterPattern='{ $.kind = "window" && $.n >= 10 }',
        destinationArn=receiver,
    )
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: driver.invoke(name, {"n": n}), range(60)))
    group = f"/aws/lambda/{name}-r"
    got = eventually(lambda: lines if len(lines := driver.messages(group, "GOT")) >= 50 else None)
    numbers = sorted(json.loads(line.split(" ", 2)[2])["n"] for line in got)
    assert numbers == list(range(10, 60))
    assert len({line.split(" ")[1] for line in got}) == 50


def test_a_version_with_snapstart_is_pending_before_it_is_active(driver: Driver, name: str) -> None:
    lambda_ = driver.client("lambda")
    driver.function(name, "def handler(e, c): return e", SnapStart={"ApplyOn": "PublishedVersions"})
    published = lambda_.publish_version(FunctionName=name)
    assert published["State"] == "Pending"
    traffic = LambdaTraffic(lambda_, function=name)
    assert not traffic.is_ready(published["Version"])
    eventually(lambda: traffic.is_ready(published["Version"]))
    assert driver.invoke(name, {"n": 1}, published["Version"])["Payload"] == {"n": 1}
