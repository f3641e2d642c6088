"""Identity: the reserved variables that tell a function what it is, as AWS's runtime sets them.

Source: AWS Lambda developer guide, "Defined runtime environment variables".
"""

from typing import Any

from . import seams


def log_group(config: dict[str, Any]) -> str:
    """Name the log group of a function: its own choice, or AWS's default."""
    chosen = (config.get("LoggingConfig") or {}).get("LogGroup")
    return str(chosen or f"/aws/lambda/{config['FunctionName']}")


def identity(config: dict[str, Any], stream: str) -> dict[str, str]:
    """Give the variables of one function version, the credentials of its role among them."""
    runtime = seams.load("ministack.core.lambda_runtime")
    _, region = runtime._account_region_from_function_config(config)
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', '')}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_NAME": str(config["FunctionName"]),
        "AWS_LAMBDA_FUNCTION_VERSION": str(config.get("Version", "$LATEST")),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group(config),
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "LANG": "en_US.UTF-8",
        "PYTHONUTF8": "1",
        "TZ": ":UTC",
        **_logging(config.get("LoggingConfig") or {}),
        **runtime.execution_credentials(config),
    }


def _logging(logging: dict[str, Any]) -> dict[str, str]:
    """Give the variables of advanced logging controls; AWS sets them for the JSON format only."""
    if logging.get("LogFormat") != "JSON":
        return {}
    level = str(logging.get("ApplicationLogLevel") or "INFO")
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": level}
