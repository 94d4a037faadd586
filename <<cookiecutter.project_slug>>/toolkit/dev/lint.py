"""The tasks `lint` and `format`: ruff, pyrefly for types, import-linter for layers, hadolint for the image."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolkit.dev import subprocesses

LINTERS: Sequence[Sequence[str]] = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("pyrefly", "check"),
)
# Files of a folder, and their linters.
ALSO = {
    "Dockerfile": ("hadolint", "Dockerfile"),
    "app": ("lint-imports", "--no-cache", "--no-logo"),
}
FORMATTERS: Sequence[Sequence[str]] = (("ruff", "check", "--fix-only"), ("ruff", "format"))


def lint(*folders: Path) -> None:
    """Run every linter in every folder, and fail if one failed."""
    _all({folder: [*LINTERS, *_also(folder)] for folder in folders})


def format_code(*folders: Path) -> None:
    _all(dict.fromkeys(folders, FORMATTERS))


def _also(folder: Path) -> list[Sequence[str]]:
    return [command for name, command in ALSO.items() if (folder / name).exists()]


def _all(wanted: Mapping[Path, Sequence[Sequence[str]]]) -> None:
    failed = []
    for folder, commands in wanted.items():
        for program, *arguments in commands:
            name = " ".join((program, *arguments))
            print(f"{name}, in {folder.name}:", flush=True)
            if subprocesses.run([str(Path(sys.executable).parent / program), *arguments], cwd=folder):
                failed.append(name)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")
