"""Whether the namespace would admit the release's pods, asked of the API server by dry runs.

A controller that may not create its pods shows that only in events, minutes into a deploy: quotas that require a
limit, LimitRanges, pod security levels, and webhooks look at pods alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.kubernetes.objects import Object, identity
from toolkit.deploy.places.kubernetes.retry import NotThere, Stale

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster

# What a dry run cannot decide: the caller may not create pods (its controllers may), a webhook does not take dry runs,
# the pods that run use the quota (the room for more is judged where pods are added).
UNDECIDED = frozenset({"FORBIDDEN", "WEBHOOK_WITHOUT_DRY_RUN", "SERVICE_ACCOUNT_MISSING"})
USED_UP = "exceeded quota"


def pods_refused(cluster: Cluster, objects: Sequence[Object]) -> Failed | None:
    """The first refusal (QUOTA, LIMIT_RANGE, POD_SECURITY, ADMISSION_DENIED, WEBHOOK_UNAVAILABLE, ...)."""
    for item in objects:
        template = pod_template(item)
        if template is not None and (refusal := _refusal(cluster, item, template)):
            return refusal
    return None


def pod_template(item: Object) -> Mapping[str, Any] | None:
    """The template of the pods that a workload creates; None for other objects. Pure."""
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
    if not own_account:  # made by the release; the pod is judged with the namespace's default account
        del spec["serviceAccountName"]
    kept = {key: metadata[key] for key in ("labels", "annotations") if metadata.get(key)}
    name = f"{item['metadata']['name'][:50]}-dry-run"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **kept}, "spec": spec}
    try:
        cluster.create(pod, dry_run=True)
    except (NotThere, Stale):
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
