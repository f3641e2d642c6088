"""Batch: one version over many objects: plan -> score each object -> one manifest of digests."""
