"""Daily operations on an environment: run, shell, connect, restart, scale, secrets, remove."""
