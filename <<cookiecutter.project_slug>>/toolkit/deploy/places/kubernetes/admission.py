"""Admission of the release's pods to the namespace, tested with dry runs on the API server.

A controller that may not create its pods reports that only in events, minutes into a deploy: quotas that require a
limit, LimitRanges, pod security levels, and webhooks check pods only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.kubernetes.objects import Object, identity
from toolkit.deploy.places.kubernetes.retry import NotFound, WriteConflict

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster

# Refusals that a dry run cannot decide: the caller may not create pods (its controllers may), a webhook without support
# for dry runs, quota used by running pods (checked separately where pods are added).
UNDECIDED = frozenset({"FORBIDDEN", "WEBHOOK_WITHOUT_DRY_RUN", "SERVICE_ACCOUNT_MISSING"})
USED_UP = "exceeded quota"


def pods_refused(cluster: Cluster, objects: Sequence[Object]) -> Failed | None:
    """Return the first refusal (QUOTA, LIMIT_RANGE, POD_SECURITY, ADMISSION_DENIED, WEBHOOK_UNAVAILABLE, ...)."""
    for item in objects:
        template = pod_template(item)
        if template is not None and (refusal := _refusal(cluster, item, template)):
            return refusal
    return None


def pod_template(item: Object) -> Mapping[str, Any] | None:
    """Return the pod template of a workload; None for other objects. Pure."""
    spec = item.get("spec") or {}
    if item["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    return (
        spec.get("template") if item["kind"] in ("CronJob", "Deployment", "Job", "StatefulSet", "DaemonSet") else None
    )


def _refusal(cluster: Cluster, item: Object, template: Mapping[str, Any]) -> Failed | None:
    spec, metadata = dict(template.get("spec") or {}), template.get("metadata") or {}
    account = spec.get("serviceAccountName")
    own_account = not account or _exists(cluster, account)
    if not own_account:  # created by the release; the pod is tested with the namespace's default account
        del spec["serviceAccountName"]
    kept = {key: metadata[key] for key in ("labels", "annotations") if metadata.get(key)}
    name = f"{item['metadata']['name'][:50]}-dry-run"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **kept}, "spec": spec}
    try:
        cluster.create(pod, dry_run=True)
    except (NotFound, WriteConflict):
        return None
    except Failed as error:
        failure = error.failure
        undecided = failure.code in UNDECIDED or any(USED_UP in line for line in failure.evidence)
        if undecided or (failure.code == "ADMISSION_DENIED" and not own_account):
            return None
        message = f"the pods of {identity(item)} would be refused: {failure.message}"
        return fail(failure.code, message, *failure.evidence, hint=failure.hint)
    return None


def _exists(cluster: Cluster, account: str) -> bool:
    try:
        return cluster.get("v1", "ServiceAccount", account) is not None
    except Failed:
        return False
