"""Changes of a release, and what they look like. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Change
from toolkit.deploy.places.traffic import targets

if TYPE_CHECKING:
    from toolkit.deploy.places.containerapps.client import Object
    from toolkit.deploy.places.containerapps.state import App, Revision
    from toolkit.deploy.records import Kept

MASKED = "***"


def changes(
    app_name: str, live: App | None, serving: Revision | None, made: Revision | None, kept: Kept, name: str
) -> list[Change]:
    """Return what makes the release serve all requests. `made`: its revision, if there is one; `serving`: today's."""
    found = []
    if live is None:
        found.append(Change("create", f"app {app_name}"))
    elif not has_settings(live, kept):
        lines = diff(projected(live.ingress, kept["ingress"]), kept["ingress"])
        found.append(Change("update", f"ingress of {app_name}", lines))
    if made is None:
        before = shown(serving.template, kept) if serving else {}
        found.append(Change("create", f"revision {name}", diff(before, kept["template"])))
    elif not made.active:
        found.append(Change("activate", f"revision {name}"))
    if live is None or not targets.is_settled(live.traffic, name):
        shares = targets.shown(live.traffic) if live else "none"
        found.append(Change("shift", f"all requests to {name}", (f"-{shares}", f"+{name} 100 %")))
    return found


def has_settings(live: App, kept: Kept) -> bool:
    """Return True if the app has the release's ingress, and revisions beside each other."""
    several = str(live.configuration.get("activeRevisionsMode")).lower() == "multiple"
    wanted = {key: _folded(value) for key, value in kept["ingress"].items()}
    return several and {key: _folded(live.ingress.get(key)) for key in wanted} == wanted


def _folded(value: object) -> object:
    return value.lower() if isinstance(value, str) else value  # Azure answers `Auto` for `auto`


def shown(template: Mapping[str, object], kept: Kept) -> Object:
    """Return a live template as far as the release sets it; values that it does not know are masked."""
    known = {item["name"] for item in kept["template"]["containers"][0]["env"] if "value" in item}
    found: Object = projected(template, kept["template"])
    for container in found.get("containers", []):
        for item in container.get("env", []):
            if item["name"] not in known and "value" in item:
                item["value"] = MASKED
    return found


def projected(live: Any, wanted: Any) -> Any:
    """Return `live` without what the platform adds: keys that the release does not set."""
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        return {key: projected(live[key], wanted[key]) for key in wanted if key in live}
    if isinstance(live, list) and isinstance(wanted, list) and live and isinstance(live[0], Mapping):
        if "name" in live[0] and "image" not in live[0] and "http" not in live[0]:
            return [dict(item) for item in live]
        return [projected(*pair) for pair in zip(live, wanted, strict=False)]
    return live


def diff(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    old, new = (_lines(item) for item in (before, after))
    found = difflib.unified_diff(old, new, lineterm="", n=1)
    return tuple(line for line in found if not line.startswith(("---", "+++", "@@")))


def _lines(content: Mapping[str, object]) -> Sequence[str]:
    return json.dumps(content, indent=2, sort_keys=True).splitlines() if content else []
