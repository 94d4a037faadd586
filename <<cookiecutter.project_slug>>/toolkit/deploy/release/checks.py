"""Checks of an environment before any change."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Failure, fail
from toolkit.deploy.release import ports, settings

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.objects import Object

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
# Database connections of a pod by default: from app/core/config.py.
POOL = {"POOL_SIZE": 10, "MAX_OVERFLOW": 0}
HELM_RECORDS: tuple[Permission, ...] = tuple((verb, "", "secrets") for verb in ("list", "create", "update", "delete"))


def permissions(env: Environment) -> list[Permission]:
    """Return the permissions for a deploy to this environment, including those for its keys. Pure."""
    asked: list[tuple[object, Permission]] = [
        (env.secret.name, ("get", "", "secrets")),
        (env.secret.from_env, ("patch", "", "secrets")),
        (env.secret.external, ("patch", "external-secrets.io", "externalsecrets")),
        (env.network_policy.enabled, ("patch", "networking.k8s.io", "networkpolicies")),
        (env.ingress, ("patch", "networking.k8s.io", "ingresses")),
        (env.autoscale, ("patch", "autoscaling", "horizontalpodautoscalers")),
    ]
    optional = [permission for wanted, permission in asked if wanted]
    return [*PERMISSIONS, *optional, *(HELM_RECORDS if env.driver == "helm" else ())]


def check(environment: Environment, objects: Sequence[Object] = ()) -> None:
    """Check everything. Raises Failed LINT with every finding in the inventory and the rendered objects."""
    found = [*findings(environment), *findings_in(objects, environment)]
    if found:
        raise fail(
            "LINT",
            f"the environment {environment.name!r} is not safe for a roll-out",
            *(f"{finding.code}: {finding.message} ({finding.hint})" for finding in found),
            hint="correct deploy/inventory.yaml, or the manifest",
        )


def findings(env: Environment) -> Iterator[Failure]:
    """Yield the findings in the values. Pure."""
    least = env.autoscale.min if env.autoscale else env.replicas
    most = env.autoscale.max if env.autoscale else env.replicas
    if least == 1 and env.name == "production":
        yield Failure("ONE_REPLICA", "one replica: draining its node interrupts the service", hint="replicas: 2")
    if env.autoscale and env.autoscale.max < env.autoscale.min:
        yield Failure("AUTOSCALE", "autoscale.max is below autoscale.min", hint="raise max")
    if env.progress_deadline_seconds <= env.rollout_seconds:
        message = (
            "progress_deadline_seconds is not above rollout_seconds: the cluster would stop first, without a reason"
        )
        yield Failure("DEADLINE", message, hint=f"progress_deadline_seconds: {env.rollout_seconds + 120}")
    drain = _number(env, "DRAIN_SECONDS", env.drain_seconds)
    if drain + _number(env, "GRACEFUL_SECONDS", env.graceful_seconds) >= env.termination_grace:
        message = "DRAIN_SECONDS + GRACEFUL_SECONDS in `settings` exceed the pods' grace period: they would be killed"
        yield Failure("GRACE", message, hint="use drain_seconds and graceful_seconds, which determine the grace period")
    pool = round(sum(_number(env, name, default) for name, default in POOL.items()))
    if env.database_max_connections and (most + 1) * pool > env.database_max_connections:
        message = f"{most} pods and one of surge, {pool} connections each, are more than {env.database_max_connections}"
        yield Failure("CONNECTIONS", message, hint="lower POOL_SIZE or the replicas, or raise max_connections")
    yield from ports.findings(env)


def _number(env: Environment, name: str, default: float) -> float:
    """Return a setting as a number. The service's own check reports an invalid one, with a better message."""
    try:
        return float(env.settings.get(name, default))
    except ValueError:
        return default


def findings_in(objects: Sequence[Object], env: Environment) -> Iterator[Failure]:
    """Yield protections that are missing from edited manifests or charts. Pure."""
    for item in objects:
        name = f"{item['kind']}/{item['metadata']['name']}"
        if item["kind"] == "Deployment":
            yield from (
                Failure(code, f"{name} {message}", hint=hint) for code, message, hint in _of_deployment(item, env)
            )
        if item["kind"] == "PodDisruptionBudget" and _blocks(item["spec"], env):
            yield Failure(
                "DISRUPTION", f"{name} blocks every eviction: no node can be drained", hint="maxUnavailable: 1"
            )


def _of_deployment(item: Object, env: Environment) -> Iterator[tuple[str, str, str]]:
    spec, pod = item["spec"], item["spec"]["template"]["spec"]
    rolling = spec.get("strategy", {}).get("rollingUpdate", {})
    if spec.get("strategy", {}).get("type") == "Recreate" or rolling.get("maxUnavailable", "25%") not in (0, "0", "0%"):
        yield "UNAVAILABLE", "removes pods before their replacements are ready", "rollingUpdate.maxUnavailable: 0"
    if not all(container.get("readinessProbe") for container in pod["containers"]):
        yield "NO_READINESS", "has a container without a readiness probe: it would get requests at once", "probe /ready"
    if pod.get("terminationGracePeriodSeconds", 30) <= env.drain_seconds + env.graceful_seconds:
        hint = f"terminationGracePeriodSeconds: {env.termination_grace}"
        yield "GRACE", "is killed before it has drained and completed its requests", hint
    if spec.get("progressDeadlineSeconds", 600) <= env.rollout_seconds:
        yield "DEADLINE", "is stopped by the cluster before the reason is reported", "raise progressDeadlineSeconds"


def _blocks(spec: Mapping[str, Any], env: Environment) -> bool:
    least = env.autoscale.min if env.autoscale else env.replicas
    kept = spec.get("minAvailable")
    return spec.get("maxUnavailable") in (0, "0", "0%") or kept == "100%" or (isinstance(kept, int) and kept >= least)


def secret_keys(env: Environment, live: Object | None, *, namespace_missing: bool = False) -> None:
    """Check an existing Secret. Raises Failed SECRET_MISSING, SECRET_KEY_MISSING or EGRESS."""
    name = env.secret.name
    if name is None:
        return
    if live is None:
        values = " ".join(f"--from-literal={key}='{settings.example(key)}'" for key in env.secret.keys)
        hint = f"kubectl -n {env.namespace} create secret generic {name} {values}"
        if namespace_missing:
            hint = f"kubectl create namespace {env.namespace} && {hint}"
        raise fail("SECRET_MISSING", f"Secret {name} does not exist in namespace {env.namespace}", hint=hint)
    missing = sorted(set(env.secret.keys) - set(live.get("data") or {}))
    if missing:
        has = ", ".join(sorted(live.get("data") or {})) or "nothing"
        (hint,) = settings.change_secret(env, missing)
        raise fail("SECRET_KEY_MISSING", f"Secret {name} has no {', '.join(missing)}", f"it has: {has}", hint=hint)
    values = {key: base64.b64decode(live["data"][key]).decode(errors="replace") for key in env.secret.keys}
    ports.check(env, {**env.settings, **values})


def denied(cluster: Cluster, env: Environment) -> list[str]:
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
