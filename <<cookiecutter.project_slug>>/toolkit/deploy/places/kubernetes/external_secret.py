"""The ExternalSecret of a release, which the External Secrets operator turns into a Secret."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.kubernetes import sources
from toolkit.deploy.places.kubernetes.pod_failures import condition

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace
    from toolkit.deploy.places.kubernetes.sources import Source

API, KIND = "external-secrets.io/v1", "ExternalSecret"
POLL_SECONDS = 1.0
# A younger condition of the operator may belong to the previous ExternalSecret.
REFUSED_SECONDS = 10.0


def await_written(place: KubernetesPlace) -> None:
    """Wait for the Secret of this ExternalSecret. Raises Failed SECRET_NOT_WRITTEN with the operator's message.

    A store that cannot be reached later does not matter: the values of this ExternalSecret are there.
    """
    external, began = place.environment.secret.external, time.monotonic()
    while external:
        source, live = of(place)
        if source is None:
            return  # unreadable for this user
        owner = place.cluster.get(API, KIND, source.name) or {}
        if synced(owner) and live is not None and set(external.keys) <= set(live.get("data") or {}):
            return
        ready, waited = condition(owner, "Ready"), time.monotonic() - began
        refused = ready.get("status") == "False" and waited >= REFUSED_SECONDS
        if refused or waited >= place.environment.graces.config:
            raise fail(
                "SECRET_NOT_WRITTEN",
                f"external-secrets has not written Secret {source.name}",
                *told(place, owner),
                hint=f"kubectl -n {place.environment.namespace} describe externalsecret {source.name}",
            )
        place.report.progress("config", f"waiting for Secret {source.name}")
        time.sleep(POLL_SECONDS)


def of(place: KubernetesPlace) -> tuple[Source | None, Object | None]:
    """Return the source that the operator writes, and its Secret, if there is one; (None, None) if unreadable."""
    return next(iter(sources.read(place).items()), (None, None))


def synced(owner: Object) -> bool:
    """Return True if the operator has written the Secret of this generation. Pure.

    `syncedResourceVersion` is GENERATION-HASH; the condition Ready may be that of an earlier generation.
    """
    generation = str(owner.get("metadata", {}).get("generation", ""))
    written = str((owner.get("status") or {}).get("syncedResourceVersion", ""))
    return bool(generation) and written.partition("-")[0] == generation


def told(place: KubernetesPlace, owner: Object) -> list[str]:
    """Return the operator's reason: its condition says that a key failed, and its newest event which one and why."""
    said = condition(owner, "Ready").get("message", "no status reported; check that the operator is running")
    uid = owner.get("metadata", {}).get("uid")
    events = place.cluster.list("v1", "Event", fields=f"involvedObject.uid={uid},type=Warning") if uid else []
    latest = sorted(events, key=lambda event: str(event.get("lastTimestamp") or ""))[-1:]
    return [said, *(str(event.get("message", "")) for event in latest)]
