"""Statistics: metrics, distances and sequential tests as pure functions on arrays."""
