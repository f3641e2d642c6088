"""What a process of Tidegate must know: physical names by environment, settings by function.

`Names` derives every physical name from the environment's name, so stacks, functions and the
command line cannot disagree. `Settings` is the only list of environment variable names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields

from tidegate.errors import SettingsError
from tidegate.frozen import frozen

ENVIRONMENTS = ("local", "dev", "staging", "prod")
MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
TAG_VALUE = re.compile(r"[\w .:/=+@-]{1,256}")  # what AWS allows in the value of a tag
NAMESPACE = "Tidegate"  # of CloudWatch metrics
EVENT_SOURCE = "tidegate"  # of EventBridge events
ANNOUNCEMENT_FAILED = "AnnouncementFailed"  # begins the log line that a metric filter counts
CORRUPT_RECORD = "CorruptRecord"  # counts log lines that name CorruptRecordError
SWEEP_HEARTBEAT = "SweepHeartbeat"
AUTOMATION_ON = "on"  # value of the automation parameter that lets the governor act
LIVE_ALIAS = "live"
BATCH_PREFIX = "batch/"  # what batch jobs may touch of the environment's own bucket
BATCH_JOBS_PREFIX = "batch-jobs/"  # what they write down of themselves there

TAG_ENV = "tidegate:env"
TAG_MODEL = "tidegate:model"
TAG_OWNER = "tidegate:owner"
TAG_COST_CENTER = "tidegate:cost-center"
TAG_COMPONENT = "tidegate:component"


def is_model_name(text: str) -> bool:
    """Tell whether `text` may name a model.

    >>> is_model_name("flight-delay"), is_model_name("../x")
    (True, False)
    """
    return MODEL_NAME.fullmatch(text) is not None


@frozen
class Names:
    """Every physical name of one environment."""

    env: str

    @property
    def prefix(self) -> str:
        """What all names of the environment begin with."""
        return f"tidegate-{self.env}"

    @property
    def registry_table(self) -> str:
        """The registry's DynamoDB table."""
        return f"{self.prefix}-registry"

    @property
    def ledger_table(self) -> str:
        """The ledger's DynamoDB table."""
        return f"{self.prefix}-ledger"

    def artifacts_bucket(self, account: str, region: str) -> str:
        """Return the bucket's name, which S3 wants unique in the world."""
        return f"{self.prefix}-artifacts-{account}-{region}"

    @property
    def signing_key(self) -> str:
        """The alias of the KMS key that signs versions."""
        return f"alias/{self.prefix}-signing"

    @property
    def bus(self) -> str:
        """The event bus."""
        return self.prefix

    @property
    def alerts(self) -> str:
        """The SNS topic that people subscribe to."""
        return f"{self.prefix}-alerts"

    @property
    def train_machine(self) -> str:
        """The training state machine."""
        return f"{self.prefix}-train"

    @property
    def release_machine(self) -> str:
        """The release state machine."""
        return f"{self.prefix}-release"

    @property
    def batch_machine(self) -> str:
        """The batch state machine."""
        return f"{self.prefix}-batch"

    @property
    def training_role(self) -> str:
        """The role that SageMaker assumes."""
        return f"{self.prefix}-training-job"

    @property
    def api_url_parameter(self) -> str:
        """The SSM parameter that holds the API's base URL."""
        return f"/tidegate/{self.env}/api-url"

    @property
    def automation_parameter(self) -> str:
        """The SSM parameter that says whether the governor may act, or who paused it and why."""
        return f"/tidegate/{self.env}/automation"

    @property
    def undelivered(self) -> str:
        """The queue of events that nobody could process."""
        return f"{self.prefix}-undelivered"

    @property
    def schedules(self) -> str:
        """The group of the monitors' schedules."""
        return self.prefix

    def function(self, verb: str) -> str:
        """Return the name of a control-plane function."""
        return f"{self.prefix}-{verb}"

    def endpoint(self, model: str) -> str:
        """Return the name of a model's serving function."""
        return f"{self.prefix}-model-{model}"

    def log_group(self, function: str) -> str:
        """Return the log group of a function."""
        return f"/aws/lambda/{function}"

    def drift_alarm(self, model: str) -> str:
        """Return the name of the alarm that rings on confirmed drift."""
        return f"{self.prefix}-{model}-drift"

    def heartbeat_alarm(self, model: str) -> str:
        """Return the name of the alarm that rings when the monitor stops."""
        return f"{self.prefix}-{model}-monitor-heartbeat"


def arn(service: str, region: str, account: str, resource: str) -> str:
    """Build an ARN of the standard partition."""
    return f"arn:aws:{service}:{region}:{account}:{resource}"


@frozen
class Settings:
    """What a function reads from its environment; `to_env` feeds CDK, `from_env` feeds Lambda."""

    env: str
    account: str
    region: str
    component: str = "control"
    model: str = ""  # serving and monitoring functions only
    version: str = ""  # registry number of the model that a published function version serves
    release: str = ""  # release id that published it
    receipt_key: str = ""  # secret, resolved by CloudFormation
    flush_seconds: str = "60"
    flush_rows: str = "100000"
    flush_at_shutdown: str = "on"
    sample_share: str = "0"
    time_scale: str = "1"  # length of an hour: 1 everywhere but in the local cloud
    training_image: str = ""  # container image of training jobs
    framework_uri: str = ""  # s3:// address of the framework's zip, for training jobs
    batch_buckets: str = ""  # names, by comma: what batch jobs may use beside the own bucket
    package_dir: str = ""  # where the package lies; empty: the Lambda task root

    @property
    def names(self) -> Names:
        """The physical names of this environment."""
        return Names(self.env)

    @property
    def artifacts_bucket(self) -> str:
        """The artifacts bucket's full name."""
        return self.names.artifacts_bucket(self.account, self.region)

    def to_env(self) -> dict[str, str]:
        """Return environment variables, those that hold something."""
        return {
            env_name(f.name): getattr(self, f.name) for f in fields(self) if getattr(self, f.name)
        }

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read settings; raise `SettingsError` naming the first variable that is missing."""
        found = {
            f.name: environ[env_name(f.name)] for f in fields(cls) if env_name(f.name) in environ
        }
        for name in ("env", "account", "region"):
            if not found.get(name):
                raise SettingsError(f"environment variable {env_name(name)} is not set")
        return cls(**found)


def env_name(field: str) -> str:
    """Return the environment variable of a setting.

    >>> env_name("receipt_key")
    'TIDEGATE_RECEIPT_KEY'
    """
    return f"TIDEGATE_{field.upper()}"
