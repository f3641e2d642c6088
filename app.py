"""The CDK application: every environment of `cdk.json`, or the one that `-c env=NAME` names."""

from pathlib import Path

import aws_cdk as cdk

from stacks.application import build
from stacks.sources import Sources

app = cdk.App()
build(app, Sources(Path(__file__).parent))
app.synth()
