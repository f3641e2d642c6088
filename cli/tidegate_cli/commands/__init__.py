"""The commands, one module per subject; each has `add_to(app)`."""
