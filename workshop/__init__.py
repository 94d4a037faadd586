"""What the commands in `tasks.py` do."""
