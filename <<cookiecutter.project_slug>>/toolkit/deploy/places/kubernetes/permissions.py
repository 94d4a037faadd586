"""Permissions that a deploy requires, and those that this user lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.client import Cluster

Permission = tuple[str, str, str]  # verb, API group, resource

# Permissions of every deploy.
PERMISSIONS: tuple[Permission, ...] = (
    ("patch", "apps", "deployments"),
    ("list", "apps", "replicasets"),
    ("list", "", "pods"),
    ("list", "", "events"),
    ("get", "", "pods/log"),
    ("patch", "", "services"),
    ("list", "", "configmaps"),
    ("create", "", "configmaps"),
    ("patch", "", "configmaps"),
    ("delete", "", "configmaps"),
    ("patch", "", "serviceaccounts"),
    ("list", "batch", "cronjobs"),
    ("list", "batch", "jobs"),
    ("patch", "batch", "jobs"),
    ("delete", "batch", "jobs"),
    ("patch", "policy", "poddisruptionbudgets"),
    ("create", "coordination.k8s.io", "leases"),
    ("update", "coordination.k8s.io", "leases"),
    ("delete", "coordination.k8s.io", "leases"),
    ("get", "", "services/proxy"),
)
HELM_RECORDS: tuple[Permission, ...] = tuple((verb, "", "secrets") for verb in ("list", "create", "update", "delete"))

VERBS = ("get", "list", "patch", "delete")


def permissions(env: KubernetesEnvironment) -> list[Permission]:
    """Return the permissions for a deploy to this environment, including those for its keys. Pure."""
    asked: list[tuple[object, Permission]] = [
        (env.secret.name, ("get", "", "secrets")),
        (env.secret.written, ("patch", "", "secrets")),
        *((env.secret.external, (verb, "external-secrets.io", "externalsecrets")) for verb in VERBS),
        (env.network_policy.enabled, ("patch", "networking.k8s.io", "networkpolicies")),
        (env.ingress, ("patch", "networking.k8s.io", "ingresses")),
        (env.gateway, ("list", "gateway.networking.k8s.io", "httproutes")),
        (env.gateway, ("patch", "gateway.networking.k8s.io", "httproutes")),
        (env.gateway and env.gateway.canary, ("get", "", "pods/proxy")),
        (env.gateway and env.gateway.canary, ("delete", "apps", "deployments")),
        (any(process.schedule for process in env.processes.values()), ("patch", "batch", "cronjobs")),
        (env.autoscale, ("patch", "autoscaling", "horizontalpodautoscalers")),
    ]
    optional = [permission for wanted, permission in asked if wanted]
    return [*PERMISSIONS, *optional, *(HELM_RECORDS if env.driver == "helm" else ())]


def denied(cluster: Cluster, env: KubernetesEnvironment) -> list[str]:
    """Return the permissions that this user lacks in the namespace."""
    from concurrent.futures import ThreadPoolExecutor

    def allowed(entry: Permission) -> bool:
        verb, group, resource = entry
        resource, _, subresource = resource.partition("/")
        return cluster.review(verb, group, resource, subresource)

    wanted = permissions(env)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(allowed, wanted))
    return [
        f"{verb} {resource}" + (f" ({group})" if group else "")
        for (verb, group, resource), yes in zip(wanted, answers, strict=True)
        if not yes
    ]
