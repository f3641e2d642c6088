"""Training: from one user function to a package candidate."""
