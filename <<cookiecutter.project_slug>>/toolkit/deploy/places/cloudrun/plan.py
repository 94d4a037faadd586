"""Changes of a release, and what they look like. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Change
from toolkit.deploy.places.cloudrun import render
from toolkit.deploy.places.traffic import targets

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.client import Object
    from toolkit.deploy.places.cloudrun.state import Service
    from toolkit.deploy.records import Kept

MASKED = "***"


def changes(service: str, live: Service | None, kept: Kept, name: str, *, exists: bool) -> list[Change]:
    """Return what makes the release serve all requests. `exists`: its revision has been made before."""
    wanted = {"annotations": kept["annotations"], "template": kept["template"]}
    lines = diff(shown(live, kept) if live else {}, wanted)
    found = []
    if live is None:
        found.append(Change("create", f"service {service}", lines))
    elif live.template_name != name or not _has(live.annotations, kept["annotations"]):
        found.append(Change("update", f"service {service}", lines))
    if not exists:
        found.append(Change("create", f"revision {name}"))
    if live is None or not targets.is_settled(live.asked, name):
        before = targets.shown(live.asked) if live else "none"
        found.append(Change("shift", f"all requests to {name}", (f"-{before}", f"+{name} 100 %")))
    return found


def shown(live: Service, kept: Kept) -> Object:
    """Return the live service as far as the release sets it; values that it does not know are masked."""
    template = live.content["spec"]["template"]
    settings = {item["name"] for item in kept["template"]["spec"]["containers"][0]["env"] if "value" in item}
    found = _projected({"annotations": live.annotations, "template": template}, kept)
    for container in found.get("template", {}).get("spec", {}).get("containers", []):
        for item in container.get("env", []):
            if item["name"] not in settings and "value" in item:
                item["value"] = MASKED
    return found


def _projected(live: Any, wanted: Any) -> Any:
    """Return `live` without what the platform adds: keys that the release does not set."""
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        return {key: _projected(live[key], wanted[key]) for key in wanted if key in live}
    if isinstance(live, list) and isinstance(wanted, list) and live and isinstance(live[0], Mapping):
        if "name" in live[0] and "image" not in live[0]:
            return [dict(item) for item in live]
        return [_projected(*pair) for pair in zip(live, wanted, strict=False)]
    return live


def diff(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    old, new = (_lines(item) for item in (before, after))
    found = difflib.unified_diff(old, new, lineterm="", n=1)
    return tuple(line for line in found if not line.startswith(("---", "+++", "@@")))


def _lines(content: Mapping[str, object]) -> Sequence[str]:
    return json.dumps(content, indent=2, sort_keys=True).splitlines() if content else []


def _has(live: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(live.get(key) == wanted.get(key) for key in render.OWN_ANNOTATIONS)
