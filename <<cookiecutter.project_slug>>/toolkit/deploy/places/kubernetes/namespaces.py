"""Detection of a namespace that is being deleted, in which nothing can be created."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Failure

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.objects import Object

CODE = "NAMESPACE_TERMINATING"
# The finalizer of every namespace: it waits for the contents.
USUAL = "kubernetes"


def refuse_terminating(cluster: Cluster) -> None:
    """Check the namespace. Raises Failed NAMESPACE_TERMINATING with the deletion time and what still blocks it."""
    try:
        live = cluster.get("v1", "Namespace", cluster.namespace)
    except Failed as error:
        if error.failure.code != "FORBIDDEN":
            raise
        _refuse_unreadable(cluster)
        return
    failure = terminating(live)
    if failure:
        raise Failed(failure)


def terminating(live: Object | None) -> Failure | None:
    """Return the failure for a namespace that is being deleted; None for any other. Pure."""
    if live is None or not live["metadata"].get("deletionTimestamp"):
        return None
    name = live["metadata"]["name"]
    finalizers = [*(live["metadata"].get("finalizers") or ()), *(live.get("spec", {}).get("finalizers") or ())]
    holding = [f"finalizer {finalizer} has not ended" for finalizer in finalizers if finalizer != USUAL]
    holding += [
        str(condition.get("message", condition.get("type")))
        for condition in live.get("status", {}).get("conditions") or ()
        if condition.get("status") == "True"
    ]
    return Failure(
        CODE,
        f"the namespace {name} is being deleted",
        (f"since {live['metadata']['deletionTimestamp']}", *holding),
        f"wait until `kubectl get namespace {name}` no longer finds it, then create it and its Secret again; "
        f"`kubectl get namespace {name} -o yaml` shows what still blocks it",
    )


def _refuse_unreadable(cluster: Cluster) -> None:
    """Check with a dry run, for a user who may not read namespaces."""
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "deploy-namespace-probe"}}
    try:
        cluster.create(probe, dry_run=True)
    except Failed as error:
        if error.failure.code == CODE:
            raise
