"""The task `template.update`: a clone of the template, whose task `update` merges its changes into this service.

The newest template knows how to update services of every version before it, so the work is its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolkit.dev import subprocesses


def run(project: Path, *, to: str, address: str, answers: Sequence[str], check: bool) -> int:
    """Clone the template into `.dev/`, check out `to` (a tag, a branch or a commit) and run its update.

    Returns the exit code of the update: 0 done, 1 refused, 2 for --check when there is something new, 3 for conflicts.
    Raises SystemExit when the template cannot be fetched.
    """
    clone = fetch(project, address or recorded_address(project), to)
    command = [sys.executable, "tasks.py", "update", str(project)]
    command += [part for answer in answers for part in ("--answer", answer)]
    return subprocesses.run([*command, *(["--check"] if check else [])], cwd=clone)


def recorded_address(project: Path) -> str:
    """The template's address in service.toml. Raises SystemExit when none was recorded."""
    content = tomllib.loads((project / "service.toml").read_text(encoding="utf-8"))
    address = content["service"].get("template_address", "")
    if not address:
        raise SystemExit(
            "service.toml records no address of the template. Name it: python3 tasks.py template.update --from ADDRESS"
        )
    return str(address)


def fetch(project: Path, address: str, to: str, variables: Mapping[str, str] = os.environ) -> Path:
    """Return a fresh clone of the template, at the default branch or at `to`. Raises SystemExit with git's words.

    `variables` are those of git.
    """
    clone = project / ".dev" / "template"
    shutil.rmtree(clone, ignore_errors=True)
    clone.parent.mkdir(exist_ok=True)
    failure = f"The template cannot be fetched from {address}"
    _git("clone", "--quiet", "--", address, str(clone), failure=failure, variables=variables)
    if to:
        failure = f"{address} has no tag, branch or commit {to}"
        _git("-C", str(clone), "checkout", "--quiet", to, failure=failure, variables=variables)
    if not (clone / "workshop" / "update").is_dir():
        raise SystemExit(
            f"{address} has no task `update` at {to or 'its default branch'}: a template before 0.2.0, or none of this "
            "kind.\nNothing was changed. Name a newer tag with --to, or another address with --from."
        )
    return clone


def _git(*arguments: str, failure: str, variables: Mapping[str, str]) -> None:
    if not shutil.which("git"):
        raise SystemExit("git is not installed; install it, then run this again.")
    command = ["git", *arguments]
    done = subprocess.run(command, env=variables, check=False, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise SystemExit(
            f"{failure}: {lines[-1]}\nNothing was changed. Check the address and the network, or name another address "
            "with --from."
        )
