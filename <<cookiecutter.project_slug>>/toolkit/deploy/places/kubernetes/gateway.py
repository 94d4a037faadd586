"""The HTTPRoute of a release, and the shares of its requests."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Failed, fail

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.objects import Object

API, KIND = "gateway.networking.k8s.io/v1", "HTTPRoute"
POLL_SECONDS = 0.5
ACCEPT_SECONDS = 30.0  # controllers answer within a second; Traefik at most every 2 s
CONDITIONS = ("Accepted", "ResolvedRefs")


def shared(route: Object, canary: str, weight: int) -> Object:
    """Return the route with `weight` percent of the requests for the Service `canary`. Pure.

    A backend without requests is left out: Gateway API allows a weight of 0, but its endpoints would still be resolved.
    """
    copy = deepcopy(route)
    for rule in copy["spec"]["rules"]:
        backends = rule["backendRefs"]
        candidates = [{**backend, "name": canary, "weight": weight} for backend in backends[:1]]
        rest = [{**backend, "weight": 100 - weight} for backend in backends] if weight < 100 else []
        rule["backendRefs"] = [*rest, *candidates]
    return copy


def routes(cluster: Cluster, selector: str) -> list[Object]:
    """Return the routes with these labels; none without the Gateway API, or for a user who may have made none."""
    if not cluster.has(API):
        return []
    try:
        return cluster.list(API, KIND, selector)
    except Failed as error:
        if error.failure.code != "FORBIDDEN":
            raise
        return []


def await_accepted(cluster: Cluster, service: str, env: KubernetesEnvironment) -> None:
    """Wait until the Gateway has taken up the route. Raises Failed ROUTE_REFUSED with the controller's message."""
    if env.gateway is None:
        return
    began = time.monotonic()
    while True:
        route = cluster.get(API, KIND, service) or {}
        refusals = unaccepted(route)
        if not refusals:
            return
        if time.monotonic() - began > ACCEPT_SECONDS:
            gateway = f"{env.gateway.namespace or env.namespace}/{env.gateway.name}"
            raise fail(
                "ROUTE_REFUSED",
                f"the Gateway {gateway} has not accepted HTTPRoute {service}",
                *refusals,
                hint="correct `gateway` in deploy/inventory.yaml: its name and namespace, and whether its listener "
                f"allows routes of the namespace {env.namespace}",
            )
        time.sleep(POLL_SECONDS)


def unaccepted(route: Mapping[str, Any]) -> Sequence[str]:
    """Return each reason why a Gateway does not serve the newest generation of a route; none if it does. Pure."""
    generation = route.get("metadata", {}).get("generation", 0)
    parents = route.get("status", {}).get("parents", ())
    if not parents:
        return ["no controller has reported a status: check that the Gateway exists, and its controller runs"]
    found = []
    for parent in parents:
        conditions = {each["type"]: each for each in parent.get("conditions", ())}
        for name in CONDITIONS:
            condition = conditions.get(name, {})
            if condition.get("status") != "True" or condition.get("observedGeneration", 0) < generation:
                message = condition.get("message") or condition.get("reason") or "not reported yet"
                found.append(f"{name}: {message}")
    return found
