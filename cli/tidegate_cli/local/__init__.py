"""The local cloud: AWS's API on a laptop, with no account and no Docker."""
