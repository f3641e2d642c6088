"""The registry: values, rules and the port of versions, pointers and events."""
