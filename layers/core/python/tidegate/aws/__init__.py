"""Adapters: one file per port, one SDK client each."""
