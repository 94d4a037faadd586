"""The union of the resource lines of two branches: by resource, and by field where both changed one. Pure."""

import re
from collections.abc import Mapping, Sequence

from toolkit.resources.line.syntax import Reader


class AmbiguousError(ValueError):
    """Both sides changed the same; the message says what."""


def union(base: Sequence[str] | None, ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """Merge two lists of resource lines. Raises AmbiguousError for a field that both sides changed.

    Without the common ancestor, every line of either side is kept, and the lines of one resource have to be the same.
    """
    old, left, right = ({_name(line): _plain(line) for line in lines} for lines in (base or (), ours, theirs))
    merged = []
    for name in dict.fromkeys((*left, *right)):
        was, mine, other = (lines.get(name) for lines in (old, left, right))
        if base is None and (mine is None or other is None):
            merged.append(mine or other or "")
        elif mine and other and was and len({was, mine, other}) == 3:
            merged.append(_line(name, was, mine, other))
        elif chosen := _chosen(f"the line of `{name}`", was, mine, other):
            merged.append(chosen)
    return merged


def _line(name: str, was: str, mine: str, other: str) -> str:
    """Merge the fields of one line, and its `unique(a, b)` and `index(a, b)`."""
    head, old_entries = _parts(was)
    one, left = _parts(mine)
    two, right = _parts(other)
    merged = [_chosen(f"the name of `{name}`", head, one, two) or head]
    for key in dict.fromkeys((*left, *right)):
        chosen = _chosen(f"`{name}.{key}`", old_entries.get(key), left.get(key), right.get(key))
        merged += [chosen] if chosen else []
    return " ".join(merged)


def _chosen(what: str, was: str | None, mine: str | None, other: str | None) -> str | None:
    """Return the side that has changed; None if it was removed. Raises AmbiguousError if both have."""
    if mine in (other, was):
        return other
    if other == was:
        return mine
    shown = "".join(f"\n  {side or 'removed'}" for side in (mine, other))
    raise AmbiguousError(f"both sides of the git merge changed {what}:{shown}")


def _parts(line: str) -> tuple[str, Mapping[str, str]]:
    raw = next(Reader(line).resources())
    head = f"{raw.name.text}/{raw.plural.text}:" if raw.plural else f"{raw.name.text}:"
    fields = {field.name.text: field.source for field in raw.fields}
    owner = {entry.source: entry.source for entry in raw.owners}
    return head, owner | fields | {group.source: group.source for group in raw.groups}


def _name(line: str) -> str:
    return re.split(r"[/:\s]", line.strip(), maxsplit=1)[0]


def _plain(line: str) -> str:
    return next((raw.line for raw in Reader(line).resources()), line)
