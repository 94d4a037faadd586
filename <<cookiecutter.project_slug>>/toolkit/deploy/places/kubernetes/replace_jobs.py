"""Jobs that an apply cannot change, because their template is immutable: deleted, then recreated."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.kubernetes.apply import look

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.objects import Object

REPLACE_SECONDS, POLL_SECONDS = 60.0, 0.5


def make_way(cluster: Cluster, wanted: Object, manager: str) -> None:
    """Delete a Job that an apply cannot change, and wait until it and its pods are gone.

    An apply to a Job that is being deleted is silently accepted. Raises Failed JOB_NOT_DELETED.
    """
    if wanted["kind"] != "Job":
        return
    api, name = wanted["apiVersion"], wanted["metadata"]["name"]
    live = cluster.get(api, "Job", name)
    if live is None:
        return
    if not live["metadata"].get("deletionTimestamp"):
        if not look(cluster, [wanted], manager, force=True)[0].replaced:
            return
        cluster.delete(api, "Job", name, propagation="Foreground")
    deadline = time.monotonic() + REPLACE_SECONDS
    while cluster.get(api, "Job", name) is not None:
        if time.monotonic() > deadline:
            message = f"Job/{name} was not deleted within {REPLACE_SECONDS:.0f} s, so it cannot be replaced"
            raise fail("JOB_NOT_DELETED", message, hint=f"kubectl describe job {name}")
        time.sleep(POLL_SECONDS)
