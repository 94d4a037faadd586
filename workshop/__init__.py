"""Implementation of the commands in `tasks.py`."""
