"""Monitoring: from windows and labels to findings."""
