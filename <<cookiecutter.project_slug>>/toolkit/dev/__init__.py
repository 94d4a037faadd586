"""What the developer's commands in `tasks.py` do. Nothing in here is part of the running service."""
