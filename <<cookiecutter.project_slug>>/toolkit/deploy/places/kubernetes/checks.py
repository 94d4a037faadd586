"""Checks of an environment and its objects before any change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.schema import PROGRESS_MARGIN
from toolkit.deploy.outcomes import Failure, fail
from toolkit.deploy.places.kubernetes import ports
from toolkit.deploy.places.kubernetes.labels import PROCESS_LABEL

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.objects import Object

# Database connections of a pod by default: from app/core/config.py.
POOL = {"POOL_SIZE": 10, "MAX_OVERFLOW": 0}


def check(environment: KubernetesEnvironment, objects: Sequence[Object] = ()) -> None:
    """Check everything. Raises Failed LINT with every finding in the inventory and the rendered objects."""
    found = [*findings(environment), *findings_in(objects, environment)]
    if found:
        raise fail(
            "LINT",
            f"the environment {environment.name!r} is not safe for a roll-out",
            *(f"{finding.code}: {finding.message} ({finding.hint})" for finding in found),
            hint="correct deploy/inventory.yaml, or the manifest",
        )


def findings(env: KubernetesEnvironment) -> Iterator[Failure]:
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
        yield Failure("DEADLINE", message, hint=f"progress_deadline_seconds: {env.rollout_seconds + PROGRESS_MARGIN}")
    drain = _number(env, "DRAIN_SECONDS", env.drain_seconds)
    if drain + _number(env, "GRACEFUL_SECONDS", env.graceful_seconds) >= env.termination_grace:
        message = "DRAIN_SECONDS + GRACEFUL_SECONDS in `settings` exceed the pods' grace period: they would be killed"
        yield Failure("GRACE", message, hint="use drain_seconds and graceful_seconds, which determine the grace period")
    pool = round(sum(_number(env, name, default) for name, default in POOL.items()))
    if env.database_max_connections and (most + 1) * pool > env.database_max_connections:
        message = f"{most} pods and one of surge, {pool} connections each, are more than {env.database_max_connections}"
        yield Failure("CONNECTIONS", message, hint="lower POOL_SIZE or the replicas, or raise max_connections")
    yield from ports.findings(env)


def _number(env: KubernetesEnvironment, name: str, default: float) -> float:
    """Return a setting as a number. The service's own check reports an invalid one, with a better message."""
    try:
        return float(env.settings.get(name, default))
    except ValueError:
        return default


def findings_in(objects: Sequence[Object], env: KubernetesEnvironment) -> Iterator[Failure]:
    """Yield protections that are missing from edited manifests or charts. Pure."""
    rendered = {item["metadata"].get("labels", {}).get(PROCESS_LABEL) for item in objects}
    for process in sorted(set(env.processes) - rendered) if objects else ():
        hint = "restore the template `processes` from a new service"
        yield Failure("NO_PROCESS", f"the manifests have nothing for the process {process}", hint=hint)
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


def _of_deployment(item: Object, env: KubernetesEnvironment) -> Iterator[tuple[str, str, str]]:
    spec, pod = item["spec"], item["spec"]["template"]["spec"]
    rolling = spec.get("strategy", {}).get("rollingUpdate", {})
    if spec.get("strategy", {}).get("type") == "Recreate" or rolling.get("maxUnavailable", "25%") not in (0, "0", "0%"):
        yield "UNAVAILABLE", "removes pods before their replacements are ready", "rollingUpdate.maxUnavailable: 0"
    if PROCESS_LABEL in item["metadata"].get("labels", {}):
        return  # it gets no requests
    if not all(container.get("readinessProbe") for container in pod["containers"]):
        yield "NO_READINESS", "has a container without a readiness probe: it would get requests at once", "probe /ready"
    if pod.get("terminationGracePeriodSeconds", 30) <= env.drain_seconds + env.graceful_seconds:
        hint = f"terminationGracePeriodSeconds: {env.termination_grace}"
        yield "GRACE", "is killed before it has drained and completed its requests", hint
    if spec.get("progressDeadlineSeconds", 600) <= env.rollout_seconds:
        yield "DEADLINE", "is stopped by the cluster before the reason is reported", "raise progressDeadlineSeconds"


def _blocks(spec: Mapping[str, Any], env: KubernetesEnvironment) -> bool:
    least = env.autoscale.min if env.autoscale else env.replicas
    kept = spec.get("minAvailable")
    return spec.get("maxUnavailable") in (0, "0", "0%") or kept == "100%" or (isinstance(kept, int) and kept >= least)
