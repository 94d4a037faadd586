"""Conflict marks of a git merge: the two sides of a file, and the union of two lists of resource lines."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

_HUNK = re.compile(
    r"^<{7}(?: [^\n]*)?\n(?P<ours>.*?)(?:^\|{7}(?: [^\n]*)?\n(?P<base>.*?))?"
    r"^={7}\n(?P<theirs>.*?)^>{7}(?: [^\n]*)?(?:\n|\Z)",
    re.MULTILINE | re.DOTALL,
)


def has_marks(text: str) -> bool:
    """Return True for a file with conflict marks of a git merge."""
    return bool(_HUNK.search(text.replace("\r\n", "\n")))


def count(text: str) -> int:
    """Return the number of conflicts."""
    return len(_HUNK.findall(text.replace("\r\n", "\n")))


def sides(text: str) -> tuple[str, str]:
    """Return the file of each side, as far as the marks show it: what git merged is in both."""
    return tuple(_HUNK.sub(lambda found, side=side: found[side], text) for side in ("ours", "theirs"))  # type: ignore[return-value]


def without_marks(text: str) -> str:
    """Return the text of all sides, without the marks."""
    return _HUNK.sub(lambda found: "".join(found[side] or "" for side in ("ours", "base", "theirs")), text)


def in_index(root: Path, path: str) -> tuple[str | None, str | None, str | None]:
    """Return an unmerged file of git's index: the common ancestor, ours, theirs; None for each that is missing."""

    def stage(number: int) -> str | None:
        try:
            command = ["git", "show", f":{number}:./{path}"]
            done = subprocess.run(command, cwd=root, check=False, capture_output=True)  # noqa: S603
        except FileNotFoundError:  # no git, so no merge of git either
            return None
        return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None

    return stage(1), stage(2), stage(3)


def both(base: Sequence[str] | None, ours: Sequence[str] | None, theirs: Sequence[str] | None) -> list[str]:
    """Return the items of both sides, without those that one of them has removed."""
    items = dict.fromkeys((*(ours or ()), *(theirs or ())))
    return [item for item in items if item not in (base or ()) or (item in (ours or ()) and item in (theirs or ()))]
