"""Windows: small mergeable counts of what was served."""
