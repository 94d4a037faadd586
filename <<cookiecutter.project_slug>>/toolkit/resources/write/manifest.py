"""The manifest: hashes of generated files, by which edited ones are recognised, and the lines they were made from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATH = Path(".generated.json")


@dataclass(frozen=True)
class Manifest:
    """`files` is path -> sha256 of what the generator made; `lines` is None in a manifest from before version 0.3."""

    files: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] | None = None

    def is_unedited(self, path: str, content: str) -> bool:
        """Return True if a file still is what the generator made."""
        return self.files.get(path) == digest(content)


def read(root: Path) -> Manifest:
    """Return the manifest; an empty one for a service without any.

    Raises ValueError for a damaged file, with the next step.
    """
    path = root / PATH
    if not path.exists():
        return Manifest()
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            f"{path} is not a valid manifest of the generator; restore it with `git checkout {PATH}`"
        ) from None


def parse(content: str) -> Manifest:
    """Return the manifest of a text. Raises ValueError, KeyError, TypeError or AttributeError for another text."""
    values = json.loads(content)
    files, lines = dict(values["files"]), values.get("lines")
    if not all(isinstance(item, str) for item in (*files.values(), *(lines or ()))):
        raise TypeError
    return Manifest(files, None if lines is None else tuple(lines))


def text(files: Mapping[str, str], lines: Sequence[str]) -> str:
    """Return the manifest's text; equal files and lines give equal text."""
    return json.dumps({"lines": list(lines), "files": dict(sorted(files.items()))}, indent=2, ensure_ascii=False) + "\n"


def digest(content: str) -> str:
    """Return the sha256 of a file's text; line ends are normalised, because git may change them."""
    return hashlib.sha256(content.replace("\r\n", "\n").encode("utf-8", "surrogateescape")).hexdigest()
