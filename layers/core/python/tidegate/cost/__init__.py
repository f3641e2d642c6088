"""Cost: unit economics of each model version."""
