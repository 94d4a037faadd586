"""The service's image: its content, its build, and its registry."""
