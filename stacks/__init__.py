"""The CDK stacks: infrastructure only, synthesized purely."""
