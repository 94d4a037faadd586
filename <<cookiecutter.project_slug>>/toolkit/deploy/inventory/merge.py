"""The sources of an environment's keys, merged: later ones override earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

VARIABLES = "environment"
Layers = Sequence[tuple[str, Mapping[str, Any]]]


def merge(given: Layers) -> dict[str, Any]:
    """Merge the layers: later ones override earlier ones, key by key inside blocks. Null removes a block."""
    merged: dict[str, Any] = {}
    for _, values in given:
        _merge_into(merged, values)
    return merged


def _merge_into(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping):
            kept = below.get(key)
            # The three sources of a Secret exclude each other: a later one replaces the block.
            block = dict(kept) if isinstance(kept, Mapping) and key != "secret" else {}
            _merge_into(block, value)
            below[key] = block
        else:
            below[key] = value
