"""The report on one version: one HTML file without scripts and without anything from elsewhere."""
