"""The endpoint's view of the artifacts bucket: one large model, streamed from any byte on.

The only SDK on the endpoint's side; imported where a model lies apart from its package, and there
only. It is the SDK that Lambda's runtime brings along: the endpoint's layers have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tidegate.errors import ModelUnavailableError
from tidegate.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PIECE = 1024 * 1024
CONNECT_SECONDS, READ_SECONDS = 3, 10


class BucketModelSource:
    """Implements `ModelSource` over one bucket."""

    def __init__(self, client: S3Client, *, bucket: str) -> None:
        """Use an S3 client."""
        self._client, self._bucket = client, bucket

    def stream(self, key: str, *, start: int) -> Iterator[bytes]:
        """Yield an object's bytes from `start` on; raise `ModelUnavailableError` naming the key."""
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={start}-")[
                "Body"
            ]
            yield from body.iter_chunks(PIECE)
        except (BotoCoreError, ClientError) as error:
            raise ModelUnavailableError(f"s3://{self._bucket}/{key}: {error}") from error


def open_source(settings: Settings) -> BucketModelSource:
    """Return the source of an endpoint's environment."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "max_attempts": 3},
    )
    return BucketModelSource(boto3.client("s3", config=config), bucket=settings.artifacts_bucket)
