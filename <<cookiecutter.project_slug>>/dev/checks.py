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


def lint(*folders: Path) -> None:
    """Run every linter in every folder, and fail when one did."""
    _all(folders, LINTERS)


def format_code(*folders: Path) -> None:
    _all(folders, FORMATTERS)


def _all(folders: Sequence[Path], commands: Sequence[Sequence[str]]) -> None:
    failed = []
    for folder in folders:
        for program, *arguments in commands:
            name = " ".join((program, *arguments))
            print(f"{name}, in {folder.name}:", flush=True)
            if process.run([str(Path(sys.executable).parent / program), *arguments], cwd=folder):
                failed.append(name)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")
