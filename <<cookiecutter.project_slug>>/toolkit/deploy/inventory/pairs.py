"""Keys that are given one by one, by -e and by variables: a dot reaches into a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit.deploy.outcomes import fail


def from_pairs(pairs: Sequence[str]) -> dict[str, Any]:
    for pair in pairs:
        if "=" not in pair:
            raise fail("INVENTORY_INVALID", f"-e {pair}: expected key=value", hint="for example -e replicas=3")
    return as_blocks(tuple(pair.split("=", 1)) for pair in pairs)  # type: ignore[misc]


def as_blocks(pairs: Any) -> dict[str, Any]:
    import yaml

    nested: dict[str, Any] = {}
    for path, text in pairs:
        *blocks, key = _parts(path)
        inside = nested
        for block in blocks:
            inside = inside.setdefault(block, {})
            if not isinstance(inside, dict):
                message = f"{path}: {block} already has a value, and cannot also be a block"
                raise fail("INVENTORY_INVALID", message, hint=f"remove `{block}=...` or `{path}=...`")
        try:
            inside[key] = yaml.safe_load(text) if text else text
        except yaml.YAMLError:
            inside[key] = text
    return nested


def _parts(path: str) -> list[str]:
    """Return the parts of a dotted path. The rest after a map is one key, with its dots: `labels.example.com/team`."""
    from toolkit.deploy.inventory import keys, models

    parts, inside = path.split("."), None
    for place, part in enumerate(parts[:-1], 1):
        if keys.is_map(inside, part) if inside else models.is_map(part):
            return [*parts[:place], ".".join(parts[place:])]
        inside = (keys.block_of(inside, part) if inside else models.block_of(part)) or inside
    return parts
