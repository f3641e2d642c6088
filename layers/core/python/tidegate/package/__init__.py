"""The package: a deterministic zip that is the Lambda function's code."""
