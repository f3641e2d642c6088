"""Tidegate: progressive delivery for models on AWS Lambda."""
