"""Protocols: how a body asks for predictions, and how they are written into the answer."""
