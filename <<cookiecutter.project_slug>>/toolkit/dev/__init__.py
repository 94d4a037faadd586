"""Implementation of the developer's commands in `tasks.py`. No part of the running service."""
