"""Governance: from findings to recorded decisions."""
