"""What AWS can't do now, apart from what it won't: the former passes, and whoever asks may repeat.

The SDK has tried again already when an error arrives here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # botocore's: no connection, or none in time
    HTTPClientError,
    IncompleteReadError,
)

from tidegate.errors import ServiceUnavailableError

# Codes whose HTTP status is 400 or 429; whatever is 5xx passes by its status.
_PASSING = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


@contextmanager
def unavailable_is_told() -> Iterator[None]:
    """Raise `ServiceUnavailableError` for what passes by itself; all else rises as it is."""
    try:
        yield
    except ClientError as error:
        if not _passes(error):
            raise
        raise ServiceUnavailableError(str(error)) from error
    except (ConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise ServiceUnavailableError(str(error)) from error


def _passes(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or error.response["Error"]["Code"] in _PASSING
