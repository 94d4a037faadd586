"""Hashes of generated files, by which the generator recognises files edited since."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

PATH = Path(".generated.json")


def read(root: Path) -> dict[str, str]:
    """Return path -> sha256 of the generated files; empty for a service without any.

    Raises ValueError for a damaged file, with the next step.
    """
    path = root / PATH
    if not path.exists():
        return {}
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        if all(isinstance(digest, str) for digest in files.values()):
            return dict(files)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ValueError(f"{path} is not a valid manifest of the generator; restore it with `git checkout {PATH}`")


def text(files: Mapping[str, str]) -> str:
    """Return the manifest's text; equal files give equal text."""
    return json.dumps({"files": dict(sorted(files.items()))}, indent=2) + "\n"


def digest(content: str) -> str:
    """Return the sha256 of a file's text; line ends are normalised, because git may change them."""
    return hashlib.sha256(content.replace("\r\n", "\n").encode("utf-8", "surrogateescape")).hexdigest()
