"""Places where a service runs."""
