"""Questions to the person at the terminal."""

from __future__ import annotations

import sys


def ask(question: str) -> str:
    """The line that was typed; empty when nobody can answer: no terminal, a closed input, or its end (Ctrl-D)."""
    try:
        if sys.stdin is None or not sys.stdin.isatty():
            return ""
        return input(question).strip()
    except (EOFError, OSError, ValueError):  # ValueError: a closed file, or bytes that are not UTF-8
        print(file=sys.stderr)
        return ""
