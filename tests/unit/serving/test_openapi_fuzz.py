"""The served OpenAPI document and its paths, by a fuzzer that nobody here wrote."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.fakes.http_api import SIGNED, application, serving
from tests.fakes.served import CONTRACT

load_all_checks()

PATH = f"/models/{CONTRACT.model}"
# The client of these tests can't inflate; gzip has tests of its own.
HEADERS = {"Authorization": SIGNED, "Accept-Encoding": "identity"}
CONFIG = SchemathesisConfig.from_dict(
    {
        "headers": {"Accept-Encoding": "identity"},
        "auth": {"openapi": {"sigv4": {"api_key": SIGNED}}},
        "generation": {"deterministic": True},
        "checks": {
            # Another method than those of the document is answered by API Gateway.
            "unsupported_method": {"enabled": False},
            # It wants 401 for a request without signature; API Gateway answers 403.
            "missing_required_header": {"enabled": False},
            "negative_data_rejection": {
                "expected-statuses": ["400", "403", "404", "413", "415", "422"]
            },
        },
    }
)
schema = schemathesis.openapi.from_wsgi(
    f"{PATH}/openapi.json", application(serving()), config=CONFIG, headers=HEADERS
)
ONCE = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@schema.exclude(path_regex="/feedback$|/v2").parametrize()
@ONCE
def test_our_own_paths_keep_their_promises(case: Any) -> None:
    if case.method == "POST" and case.meta.generation.mode is GenerationMode.POSITIVE:
        case.body = mended(case.body)
    case.call_and_validate()


def mended(body: Any) -> Any:
    """Mend what JSON Schema lets through: lists of other lengths, and 3.0 as an integer."""
    if "records" in body:
        return {"records": [{**row, "boats": int(row["boats"])} for row in body["records"]]}
    columns = {**body["columns"], "boats": [int(value) for value in body["columns"]["boats"]]}
    rows = min(map(len, columns.values()))
    return {"columns": {name: values[:rows] for name, values in columns.items()}}


@schema.include(path_regex="/v2").parametrize()
@ONCE
def test_open_inference_paths_keep_their_promises(case: Any) -> None:
    # JSON Schema can't say that a tensor has as many elements as its shape says.
    case.call_and_validate(excluded_checks=[positive_data_acceptance])
