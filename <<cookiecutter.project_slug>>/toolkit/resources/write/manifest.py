"""The manifest: hashes of generated files, by which edited ones are recognised, and the lines they were made from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.resources.write import marks

PATH = Path(".generated.json")


@dataclass(frozen=True)
class Manifest:
    """`files` is path -> sha256 of what the generator made; `lines` is None in a manifest from before version 0.3.

    During a git merge with a conflict in it, `others` are the hashes of the other side, and `sides` the lines of both.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    sides: tuple[tuple[str, ...], ...] = ()

    @property
    def merging(self) -> bool:
        """Return True during a git merge."""
        return bool(self.sides)

    def is_unedited(self, path: str, content: str) -> bool:
        """Return True if a file still is what the generator made."""
        return digest(content) in (self.files.get(path), self.others.get(path))


def read(root: Path) -> Manifest:
    """Return the manifest; an empty one for a service without any.

    Raises ValueError for a damaged file, with the next step.
    """
    path = root / PATH
    if not path.exists():
        return Manifest()
    try:
        text = path.read_text(encoding="utf-8")
        return _merged(root, text) if marks.has_marks(text) else parse(text)
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


def _merged(root: Path, text: str) -> Manifest:
    """Return the manifest of a git merge: the files of both sides, and the lines that the two had in common."""
    ours, theirs = (parse(side) for side in marks.sides(text))
    common, _, _ = marks.in_index(root, PATH.as_posix())
    shared = tuple(line for line in ours.lines or () if line in (theirs.lines or ()))
    lines = parse(common).lines if common else shared
    return Manifest({**theirs.files, **ours.files}, lines, theirs.files, (ours.lines or (), theirs.lines or ()))


def text(files: Mapping[str, str], lines: Sequence[str]) -> str:
    """Return the manifest's text; equal files and lines give equal text."""
    return json.dumps({"lines": list(lines), "files": dict(sorted(files.items()))}, indent=2, ensure_ascii=False) + "\n"


def digest(content: str) -> str:
    """Return the sha256 of a file's text; line ends are normalised, because git may change them."""
    return hashlib.sha256(content.replace("\r\n", "\n").encode("utf-8", "surrogateescape")).hexdigest()
