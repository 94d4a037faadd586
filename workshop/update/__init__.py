"""`python3 tasks.py update PATH`: bring an existing service to this version of the template by a git merge."""
