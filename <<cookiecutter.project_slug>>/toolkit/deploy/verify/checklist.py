"""The review checklist, a function for each line: returns a summary, raises Failed for a fault or Skipped."""

from __future__ import annotations


class Skipped(Exception):
    """The line cannot be checked here; the message names the missing part. Never counted as passed."""
