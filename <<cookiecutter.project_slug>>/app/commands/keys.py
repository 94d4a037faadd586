"""`python -m app keys new|rotate`: the value of ACCOUNTS_KEY. Exit code 1: not done, the reason is printed.

`rotate` reads the present value from the standard input and prints the one of the next step; the steps are printed on
the standard error. It needs no settings and no database.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from app.auth.signing import new_key, rotated

STEPS = {
    "added": "A new key was added, which does not sign yet. Deploy, wait 5 minutes (caches of the key set), "
    "rotate again.",
    "signing": "The new key signs. Deploy, wait until the last old token has ended (ACCOUNTS_ACCESS_SECONDS), "
    "rotate again.",
    "removed": "The old key was removed. Deploy; the rotation is complete.",
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m app keys")
    parser.add_argument("command", choices=("new", "rotate"))
    parser.add_argument("--algorithm", choices=("EdDSA", "ES256"), default="EdDSA")
    given = parser.parse_args(list(arguments))
    if given.command == "new":
        print(new_key(given.algorithm), end="")
        return 0
    try:
        bundle, step = rotated(sys.stdin.read())
    except ValueError as error:
        print(f"The standard input {error}", file=sys.stderr)
        return 1
    print(bundle, end="")
    print(STEPS[step], file=sys.stderr)
    return 0
