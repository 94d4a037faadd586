"""Status of the revisions that get requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.places.values import Instance, PlaceStatus

if TYPE_CHECKING:
    from toolkit.deploy.places.containerapps.place import ContainerAppsPlace
    from toolkit.deploy.places.containerapps.state import Revision


def status(place: ContainerAppsPlace) -> PlaceStatus:
    """Return the replicas of the revisions that get requests, with their shares."""
    live = place.app.get()
    if live is None:
        return PlaceStatus("", 0, 0, 0, "", False, ())
    known = {revision.name: revision for revision in place.app.revisions()}
    found, unready = [], ""
    for target in live.traffic:
        revision = known.get(target.revision)
        if revision and not revision.is_ready:
            unready = unready or f"{revision.name}: {revision.running} {revision.error}".strip()
        share = f"{target.percent} %" + (f", label {target.tag}" if target.tag else "")
        for replica in place.app.replicas(target.revision) if revision else ():
            found.append(Instance(replica.name, replica.ready, share, replica.restarts, live.location))
    serving = known.get(live.serving)
    image = f"{place.environment.repository}@{serving.digest}" if serving else ""
    old = sum(target.revision != live.serving for target in live.traffic)
    return PlaceStatus(image, 1, int(serving is not None and serving.is_ready), old, unready, False, tuple(found))


def secret_names(revision: Revision) -> set[str]:
    """Return the names of the secrets that a revision reads. Pure."""
    containers = revision.template.get("containers")
    listed = containers[0].get("env", []) if isinstance(containers, list) and containers else []
    return {str(item["secretRef"]) for item in listed if item.get("secretRef")}
