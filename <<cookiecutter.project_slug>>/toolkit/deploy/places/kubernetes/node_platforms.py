"""Platforms: those of an image, and those of the nodes that may run it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Failed, Failure

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.objects import Object

SHOWN = 5


def nodes(cluster: Cluster) -> list[Object]:
    """Return the nodes; none for a user who may not list them."""
    try:
        return cluster.list("v1", "Node")
    except Failed as error:
        if error.failure.code != "FORBIDDEN":
            raise
        return []


def misfit(image: Collection[str], nodes: Sequence[Object], env: KubernetesEnvironment) -> Failure | None:
    """Return IMG_PLATFORM if a pod may be scheduled on a node that cannot run the image; None without information."""
    usable = {node["metadata"]["name"]: platform_of(node) for node in nodes if accepts(node, env)}
    fits = {without_variant(platform) for platform in image}
    wrong = {name: platform for name, platform in usable.items() if platform not in fits}
    # Affinity may keep pods away from wrong nodes, but not if all are wrong.
    if not fits or not wrong or (env.affinity and len(wrong) < len(usable)):
        return None
    needed = ",".join(sorted({*usable.values()}))
    push = f"python3 tasks.py push --platform {needed}"
    hint = f"`{push}`, and deploy the digest that it prints" if env.image else f"platforms: [{needed}]"
    if len(wrong) < len(usable):
        hint += f"; or use only the other nodes: node_selector.kubernetes.io/arch: {sorted(fits)[0].partition('/')[2]}"
    return Failure(
        "IMG_PLATFORM",
        f"the image is for {', '.join(sorted(image))}, which not every node can run",
        (*(f"node {name} is {wrong[name]}" for name in sorted(wrong)[:SHOWN]),),
        hint,
    )


def accepts(node: Object, env: KubernetesEnvironment) -> bool:
    """Return True if the scheduler may place a pod there, by selector and taints; affinity is ignored."""
    labels = node["metadata"].get("labels") or {}
    if node.get("spec", {}).get("unschedulable") or not env.node_selector.items() <= labels.items():
        return False
    taints = node.get("spec", {}).get("taints") or ()
    return all(
        taint.get("effect") == "PreferNoSchedule" or any(tolerates(entry, taint) for entry in env.tolerations)
        for taint in taints
    )


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or "")


def platform_of(node: Object) -> str:
    """Return the platform as Docker writes it: linux/amd64."""
    info = node.get("status", {}).get("nodeInfo", {})
    return f"{info.get('operatingSystem', 'linux')}/{info.get('architecture', 'amd64')}"


def without_variant(platform: str) -> str:
    """Return the platform without its variant: linux/arm64/v8 runs on linux/arm64."""
    return "/".join(platform.split("/")[:2])
