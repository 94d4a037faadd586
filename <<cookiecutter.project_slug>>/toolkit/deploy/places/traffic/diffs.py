"""Differences between what is live and what a release sets, as `--diff` shows them. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MASKED = "***"


def projected(live: Any, wanted: Any) -> Any:
    """Return `live` without what the platform adds: keys that the release does not set."""
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        return {key: projected(live[key], wanted[key]) for key in wanted if key in live}
    if isinstance(live, list) and isinstance(wanted, list) and live and isinstance(live[0], Mapping):
        if _are_variables(live):
            return [dict(item) for item in live]
        return [projected(*pair) for pair in zip(live, wanted, strict=False)]
    return live


def _are_variables(items: Sequence[Mapping[str, object]]) -> bool:
    """Return True for the variables of a container: each is shown, also one that the release removes."""
    return all("name" in item and not {"image", "http"} & set(item) for item in items)


def mask(live: Iterable[dict[str, Any]], wanted: Iterable[Mapping[str, Any]]) -> None:
    """Mask the values of variables of live containers that are no settings of the release."""
    known = {item["name"] for container in wanted for item in container.get("env", []) if "value" in item}
    for container in live:
        for item in container.get("env", []):
            if item["name"] not in known and "value" in item:
                item["value"] = MASKED


def diff(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """Return the lines that are removed and added, with one line around them."""
    old, new = (_lines(item) for item in (before, after))
    found = difflib.unified_diff(old, new, lineterm="", n=1)
    return tuple(line for line in found if not line.startswith(("---", "+++", "@@")))


def _lines(content: Mapping[str, object]) -> Sequence[str]:
    return json.dumps(content, indent=2, sort_keys=True).splitlines() if content else []
