"""Serving: from an HTTP request to an answer with a receipt."""
