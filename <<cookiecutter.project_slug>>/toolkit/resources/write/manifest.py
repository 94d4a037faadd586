"""What the generator wrote, by hash: how it knows a file that a person has edited since."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

PATH = Path(".generated.json")


def read(root: Path) -> dict[str, str]:
    """Path -> sha256 of what was written there; nothing for a service in which nothing was generated yet.

    Raises ValueError when the file is damaged, with the way out.
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
    raise ValueError(f"{path} is no manifest of the generator any more; get it back with `git checkout {PATH}`")


def text(files: Mapping[str, str]) -> str:
    """The manifest's own text; the same files give the same text."""
    return json.dumps({"files": dict(sorted(files.items()))}, indent=2) + "\n"


def digest(content: str) -> str:
    """sha256 of a file's text; line ends do not count, as git may change them."""
    return hashlib.sha256(content.replace("\r\n", "\n").encode("utf-8", "surrogateescape")).hexdigest()
