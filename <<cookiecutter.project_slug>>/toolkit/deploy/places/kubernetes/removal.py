"""Removal of a service from its namespace: what would be deleted, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy import process
from toolkit.deploy.outcomes import Change, Plan, fail
from toolkit.deploy.places.kubernetes import canary, gateway
from toolkit.deploy.places.kubernetes.connect import helm_arguments
from toolkit.deploy.places.kubernetes.history import RECORD_LABEL
from toolkit.deploy.places.kubernetes.labels import CANARY_LABEL, LABEL
from toolkit.deploy.places.kubernetes.leftovers import PRUNED
from toolkit.deploy.places.kubernetes.objects import identity
from toolkit.deploy.places.kubernetes.one_off import RUN_LABEL

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

# In this order: first the way in, then what serves, then what it needed.
KINDS = {
    **{kind: api for kind, api in PRUNED.items() if kind != "Deployment"},
    "Deployment": PRUNED["Deployment"],
    "ServiceAccount": "v1",
    "Secret": "v1",
    "ConfigMap": "v1",
}
OF_ONE_KIND = {RUN_LABEL: {"Job": "batch/v1"}, RECORD_LABEL: {"ConfigMap": "v1"}}
HELM = "HelmRelease"


def plan(place: KubernetesPlace, *, database: bool) -> Plan:
    """Return every object that a deploy has made, the records last. Raises Failed DATABASE_NOT_OURS."""
    env, cluster = place.environment, place.cluster
    if database:
        hint = "remove it where it runs; leave out --database"
        raise fail("DATABASE_NOT_OURS", f"the toolkit does not run the database of {env.name}", hint=hint)
    helm = cluster.list("v1", "Secret", f"owner=helm,name={place.service}")
    changes = [Change("delete", f"{HELM}/{place.service}")] if helm else []
    kinds = {**({gateway.KIND: gateway.API} if cluster.has(gateway.API) else {}), **KINDS}
    if env.secret.external:
        kinds["ExternalSecret"] = "external-secrets.io/v1"
    for label, labelled in {LABEL: kinds, CANARY_LABEL: canary.KINDS, **OF_ONE_KIND}.items():
        for kind, api in labelled.items():
            items = cluster.list(api, kind, f"{label}={place.service}")
            changes += [Change("delete", identity(item)) for item in items if not _owned(item)]
    kept = [f"the namespace {env.namespace}", f"Secret/{env.secret.name}" if env.secret.name else "", "the database"]
    return Plan(tuple(dict.fromkeys(changes)), note=f"kept: {', '.join(filter(None, kept))}")


def apply(place: KubernetesPlace, planned: Plan) -> None:
    """Delete. Pods drain as in a release. Raises Failed HELM_FAILED."""
    kinds = {**KINDS, gateway.KIND: gateway.API, "ExternalSecret": "external-secrets.io/v1"}
    for change in planned.changes:
        kind, _, name = change.what.partition("/")
        place.report.progress("remove", change.what)
        if kind == HELM:
            done = process.run(["helm", "uninstall", name, *helm_arguments(place.environment)], seconds=300)
            if done.code:
                raise fail("HELM_FAILED", f"`helm uninstall {name}` failed", done.cause, hint="run it by hand")
        else:
            place.cluster.delete(kinds[kind], kind, name)


def _owned(item: dict[str, object]) -> bool:
    """Return True if another object owns it, and it goes with that one."""
    metadata = item["metadata"]
    return isinstance(metadata, dict) and bool(metadata.get("ownerReferences"))
