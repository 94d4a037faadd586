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


class AmbiguousError(ValueError):
    """Both sides changed the same; the message says what."""


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


def union(base: Sequence[str] | None, ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """Merge two lists of resource lines, by the resource's name. Raises AmbiguousError.

    Without the common ancestor, every line of either side is kept.
    """
    old, left, right = ({_name(line): line for line in lines} for lines in (base or (), ours, theirs))
    merged = []
    for name in dict.fromkeys((*left, *right)):
        was, mine, other = (_plain(lines.get(name)) for lines in (old, left, right))
        if base is None and (mine is None or other is None):
            merged.append(left.get(name) or right[name])
        elif mine == other or other == was:
            merged += [left[name]] if name in left else []
        elif mine == was:
            merged += [right[name]] if name in right else []
        else:
            shown = [f"  {line or 'removed'}" for line in (left.get(name), right.get(name))]
            raise AmbiguousError(f"both sides of the git merge changed the line of `{name}`:\n" + "\n".join(shown))
    return merged


def both(base: Sequence[str] | None, ours: Sequence[str] | None, theirs: Sequence[str] | None) -> list[str]:
    """Return the items of both sides, without those that one of them has removed."""
    items = dict.fromkeys((*(ours or ()), *(theirs or ())))
    return [item for item in items if item not in (base or ()) or (item in (ours or ()) and item in (theirs or ()))]


def _name(line: str) -> str:
    return re.split(r"[/:\s]", line.strip(), maxsplit=1)[0]


def _plain(line: str | None) -> str | None:
    return None if line is None else " ".join(line.split())
