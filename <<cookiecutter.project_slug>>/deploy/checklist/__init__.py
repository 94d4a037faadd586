"""The review checklist, a function a line: it tells what it saw, raises Failed for a fault, Skipped for a missing part."""

from __future__ import annotations


class Skipped(Exception):
    """The line can't be checked here; the message says what is missing. Never counted as passed."""
