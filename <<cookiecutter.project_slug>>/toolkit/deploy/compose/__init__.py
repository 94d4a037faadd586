"""The service in containers on this machine, by Docker Compose."""
