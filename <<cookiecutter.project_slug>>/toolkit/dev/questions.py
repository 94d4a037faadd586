"""Questions to the user at the terminal."""

from __future__ import annotations

import sys


def can_answer() -> bool:
    """Return True with an interactive terminal. Python has no `sys.stdin` when the input is closed."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def ask(question: str) -> str:
    """Return the typed line; empty without a terminal, for a closed input, or at its end (Ctrl-D)."""
    try:
        return input(question).strip() if can_answer() else ""
    except (EOFError, OSError, ValueError):  # ValueError: a closed file, or bytes that are not UTF-8
        print(file=sys.stderr)
        return ""
