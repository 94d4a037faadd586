"""Status of the revisions that get requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.places.cloudrun import processes
from toolkit.deploy.places.values import Instance, PlaceStatus, Process

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.place import CloudRunPlace
    from toolkit.deploy.places.cloudrun.state import Revision


def status(place: CloudRunPlace) -> PlaceStatus:
    """Return the revisions with their shares: Cloud Run does not show single instances."""
    live = place.run.get()
    if live is None:
        return PlaceStatus("", 0, 0, 0, "", False, ())
    known = {revision.name: revision for revision in place.run.revisions()}
    found, unready = [], ""
    for target in live.traffic:
        revision = known.get(target.revision)
        ready = revision is not None and revision.is_ready
        if revision and not ready:
            unready = unready or f"{revision.name}: {revision.ready.reason} {revision.ready.message}".strip()
        share = f"{target.percent} %" + (f", tag {target.tag}" if target.tag else "")
        found.append(Instance(f"{target.revision} {share}", ready, share, 0, place.environment.region))
    serving = known.get(live.serving)
    ready_now = serving is not None and serving.is_ready
    if not live.traffic:
        unready = unready or live.ready.message
    image = f"{place.environment.repository}@{serving.digest}" if serving else ""
    old = sum(target.revision != live.serving for target in live.traffic)
    return PlaceStatus(image, 1, int(ready_now), old, unready, False, tuple(found), _processes(place))


def _processes(place: CloudRunPlace) -> tuple[Process, ...]:
    return processes.status(place.run, place.environment) if place.environment.processes else ()


def secret_versions(revision: Revision) -> dict[str, str]:
    """Return the version of each secret variable. Pure."""
    spec = revision.template.get("spec")
    containers = spec.get("containers", []) if isinstance(spec, dict) else []
    found = {}
    for item in containers[0].get("env", []) if containers else []:
        if reference := (item.get("valueFrom") or {}).get("secretKeyRef"):
            found[str(item["name"])] = str(reference["key"])
    return found
