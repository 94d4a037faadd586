"""Changes of a release, and what they look like. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change
from toolkit.deploy.places.cloudrun import render
from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.diffs import diff, mask, projected

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.client import Object
    from toolkit.deploy.places.cloudrun.state import Service
    from toolkit.deploy.records import Kept


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
    content = {"annotations": live.annotations, "template": live.content["spec"]["template"]}
    found: Object = projected(content, kept)
    mask(found.get("template", {}).get("spec", {}).get("containers", []), kept["template"]["spec"]["containers"])
    return found


def _has(live: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(live.get(key) == wanted.get(key) for key in render.OWN_ANNOTATIONS)
