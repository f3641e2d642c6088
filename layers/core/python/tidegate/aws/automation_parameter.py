"""The automation switch over one SSM parameter, read through Powertools and kept for seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from tidegate.governance.automation import Automation, automation_of, text_of, unreadable

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

MAX_AGE_SECONDS = 5  # a pause holds after this long at the latest


class AutomationParameter:
    """`Switch` over the parameter `name`; people turn it with `turn`."""

    def __init__(self, client: SSMClient, *, name: str) -> None:
        """Use an SSM client; nothing is read yet."""
        self._client, self._name = client, name
        self._provider = SSMProvider(boto3_client=client)

    def automation(self) -> Automation:
        """Return how the switch stands; any failure to read it means that nothing may be done."""
        try:
            return automation_of(str(self._provider.get(self._name, max_age=MAX_AGE_SECONDS)))
        except GetParameterError as error:  # Powertools wraps whatever went wrong
            return unreadable(f"{self._name}: {error}")

    def turn(self, automation: Automation) -> None:
        """Write the switch.

        CloudFormation created it with `on` and leaves its value alone while the template says the
        same, so a deployment does not end a pause.
        """
        self._client.put_parameter(
            Name=self._name, Value=text_of(automation), Type="String", Overwrite=True
        )
        self._provider = SSMProvider(boto3_client=self._client)  # forgets what was read before
