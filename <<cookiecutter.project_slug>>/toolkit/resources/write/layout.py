"""Formats generated Python with the service's own ruff: unused imports are removed, others sorted, lines wrapped.

So a template may import everything that any of its resources needs, and write one line per statement.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

# Not by existing folders: some of the modules that generated files import are about to be written.
_FIRST_PARTY = 'lint.isort.known-first-party = ["app", "tests"]'
_PASSES: Sequence[Sequence[str]] = (("check", "--select", "I,F401", "--fix"), ("format",))


def find_ruff(root: Path) -> Path | None:
    """Return the ruff of the environment of the service in `root`, else that of this Python."""
    for folder in (root / ".venv" / "bin", Path(sys.executable).parent):
        if (folder / "ruff").exists():
            return folder / "ruff"
    return None


def arrange(files: Mapping[str, str], root: Path, ruff: Path) -> dict[str, str]:
    """Return the files (text by path), formatted with the settings of the service in `root`.

    Raises ValueError, with ruff's message, for invalid Python.
    """
    settings = root.resolve() / "pyproject.toml"  # ruff runs in another folder
    options = ["--config", str(settings)] if settings.exists() else ["--isolated"]
    python = {path: text for path, text in files.items() if path.endswith(".py")}
    with TemporaryDirectory(prefix="generated-") as folder:
        for path, text in python.items():
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        for words in _PASSES:
            command = [str(ruff), *words, "--quiet", "--no-cache", *options, "--config", _FIRST_PARTY, "."]
            done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)  # noqa: S603 - a fixed program
            if done.returncode:
                raise ValueError((done.stdout + done.stderr).strip())
        return {**files, **{path: Path(folder, path).read_text(encoding="utf-8") for path in python}}
