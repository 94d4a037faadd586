"""The tasks `lint` and `format`: ruff for style, imports and security; pyrefly for types."""

import sys
from collections.abc import Sequence
from pathlib import Path

from dev import process

LINTERS: Sequence[Sequence[str]] = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("pyrefly", "check"),
)
FORMATTERS: Sequence[Sequence[str]] = (("ruff", "check", "--fix-only"), ("ruff", "format"))


def lint(project: Path) -> None:
    """Run every linter, and fail when one did."""
    _all(project, LINTERS)


def format_code(project: Path) -> None:
    _all(project, FORMATTERS)


def _all(project: Path, commands: Sequence[Sequence[str]]) -> None:
    failed = []
    for program, *arguments in commands:
        name = " ".join((program, *arguments))
        print(f"{name}:", flush=True)
        if process.run([str(Path(sys.executable).parent / program), *arguments], cwd=project):
            failed.append(name)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")
