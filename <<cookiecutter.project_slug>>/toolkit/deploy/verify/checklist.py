"""The review checklist, a function for each line: what it saw, or Failed for a fault, Skipped for a missing part."""

from __future__ import annotations


class Skipped(Exception):
    """The line can't be checked here; the message says what is missing. Never counted as passed."""
