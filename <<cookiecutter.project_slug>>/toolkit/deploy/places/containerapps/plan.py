"""Changes of a release, and what they look like. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change
from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.diffs import diff, mask, projected

if TYPE_CHECKING:
    from toolkit.deploy.places.azure.client import Object
    from toolkit.deploy.places.containerapps.state import App, Revision
    from toolkit.deploy.records import Kept


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
    found: Object = projected(template, kept["template"])
    mask(found.get("containers", []), kept["template"]["containers"])
    return found
