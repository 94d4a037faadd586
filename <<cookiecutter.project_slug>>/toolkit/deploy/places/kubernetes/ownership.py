"""Fields of our objects that another manager has added, by `managedFields`: found, named, adopted. Pure.

Server-side apply keeps fields of others. A container, a variable or a command of an earlier manager would stay forever,
and no dry run would show it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from toolkit.deploy.places.kubernetes.objects import Object

Path = tuple[str, ...]  # as in FieldsV1: "f:spec", 'k:{"name":"app"}', 'v:"text"', "i:0"
# Fields with an effect. Labels and annotations of others are left alone.
ROOTS = frozenset({"f:spec", "f:data", "f:stringData", "f:binaryData"})
# Fields that others may set: the number of pods, and annotations that restart or describe them.
THEIRS: tuple[Path, ...] = (("f:spec", "f:replicas"), ("f:spec", "f:template", "f:metadata"))
_MISSING = object()


@dataclass(frozen=True)
class Stray:
    """A field, or a whole entry of a list, that this release does not set."""

    path: Path
    manager: str
    since: str = ""

    def __str__(self) -> str:
        return f"{shown(self.path)} is set by {self.manager}" + (f" since {self.since}" if self.since else "")


def added(live: Object, manager: str, ignored: Sequence[str] = ()) -> list[tuple[Path, Stray]]:
    """Yield each field that others own and `manager` does not, with its topmost stray."""
    entries = list(_entries(live))
    own = [path for entry, path in _leaves_of(entries) if entry["manager"] == manager]
    nodes = {path[:length] for path in own for length in range(1, len(path) + 1)}
    found = []
    for entry, path in _leaves_of(entries):
        if (
            entry["manager"] in (manager, *ignored)
            or path in nodes
            or any(path[: len(part)] == part for part in THEIRS)
        ):
            continue
        top = next(path[:length] for length in range(1, len(path) + 1) if path[:length] not in nodes)
        found.append((path, Stray(top, entry["manager"], entry.get("time", ""))))
    return found


def strays(live: Object, fresh: Object, found: Sequence[tuple[Path, Stray]]) -> tuple[Stray, ...]:
    """Return the effective ones of `found`: managers also own defaults, which a new object (`fresh`) has too."""
    kept: dict[Path, Stray] = {}
    for path, stray in found:
        value = value_at(live, path)
        if value is not _MISSING and value != value_at(fresh, path):
            kept.setdefault(stray.path, stray)
    return tuple(kept.values())


def taken_over(live: Object, manager: str, taken: Sequence[Stray]) -> list[dict[str, Any]]:
    """Return `managedFields` with these fields owned only by `manager`: its next apply, without them, removes them."""
    entries: list[dict[str, Any]] = deepcopy(live["metadata"]["managedFields"])
    found = (entry for entry in entries if entry["manager"] == manager and entry["operation"] == "Apply")
    own: dict[str, Any] = next(found, {"manager": manager, "operation": "Apply", "fieldsType": "FieldsV1"})
    if "fieldsV1" not in own:
        own |= {"apiVersion": live["apiVersion"], "fieldsV1": {}}
        entries.append(own)
    for stray in taken:
        for entry in entries:
            if entry is not own and not entry.get("subresource"):
                moved = _cut(entry["fieldsV1"], stray.path)
                _merge(_at(own["fieldsV1"], stray.path), moved)
    return [entry for entry in entries if entry["fieldsV1"]]


def value_at(item: Any, path: Path) -> Any:
    """Return the value at a path of FieldsV1."""
    for part in path:
        kind, _, text = part.partition(":")
        if kind == "f":
            item = item.get(text, _MISSING) if isinstance(item, Mapping) else _MISSING
        elif not isinstance(item, list):
            return _MISSING
        elif kind == "k":
            keys = json.loads(text)
            item = next((entry for entry in item if keys.items() <= entry.items()), _MISSING)
        elif kind == "v":
            item = json.loads(text) if json.loads(text) in item else _MISSING
        else:
            item = item[int(text)] if int(text) < len(item) else _MISSING
        if item is _MISSING:
            return _MISSING
    return item


def shown(path: Path) -> str:
    """Return the path as the API server writes it: .spec.template.spec.containers[name="old"]."""
    text = ""
    for part in path:
        kind, _, rest = part.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += f"[{','.join(f'{key}={json.dumps(value)}' for key, value in json.loads(rest).items())}]"
        else:
            text += f"[{rest}]"
    return text


def _entries(live: Object) -> Iterator[dict[str, Any]]:
    """Return entries for the object itself, not for its status or scale."""
    for entry in live.get("metadata", {}).get("managedFields", ()):
        if not entry.get("subresource"):
            yield entry


def _leaves_of(entries: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Path]]:
    for entry in entries:
        for root in ROOTS & set(entry.get("fieldsV1", ())):
            for path in _leaves(entry["fieldsV1"][root], (root,)):
                yield entry, path


def _leaves(tree: Mapping[str, Any], prefix: Path) -> Iterator[Path]:
    if not tree:
        yield prefix
    for key, inside in tree.items():
        if key == ".":
            yield prefix  # the entry itself
        else:
            yield from _leaves(inside, (*prefix, key))


def _at(tree: dict[str, Any], path: Path) -> dict[str, Any]:
    for part in path:
        tree = tree.setdefault(part, {})
    return tree


def _cut(tree: dict[str, Any], path: Path) -> dict[str, Any]:
    """Remove the value at `path`, and containers that are then empty; return it."""
    first, *rest = path
    if first not in tree:
        return {}
    if not rest:
        return tree.pop(first)
    found = _cut(tree[first], tuple(rest))
    if not set(tree[first]) - {"."}:
        del tree[first]
    return found


def _merge(into: dict[str, Any], tree: Mapping[str, Any]) -> None:
    for key, inside in tree.items():
        _merge(into.setdefault(key, {}), inside)
