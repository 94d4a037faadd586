"""`python -m app token SCOPE...`: a token for development. Exit code 1: none can be issued."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from app.auth.development_tokens import TokenRefused, make_token
from app.core.security import all_scopes
from app.main import create_app


def main(arguments: Sequence[str]) -> int:
    """`python -m app token SCOPE...`, or --all: print a token, alone on the last line. Returns the exit code."""
    scopes = sorted(all_scopes(create_app()) if "--all" in arguments else set(arguments))
    if not scopes:
        hint = "name them (--scope products:read --scope products:write), or use --all"
        print(f"No scopes given; {hint}.", file=sys.stderr)
        return 1
    try:
        token = make_token(scopes)
    except TokenRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(f"scopes: {' '.join(scopes)}", file=sys.stderr)
    print(token)
    return 0
