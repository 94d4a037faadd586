"""The key `gateway`: a route of the Gateway API, and the share of the requests that a new version gets first."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from toolkit.deploy.inventory.pod_keys import Annotations, Block, Name

Weight = Annotated[int, Field(ge=1, le=100)]


def rising(weights: tuple[int, ...]) -> tuple[int, ...]:
    if any(after <= before for before, after in pairwise(weights)):
        raise ValueError("expected rising percentages, for example [10, 50, 100]")
    return weights


class Gateway(Block):
    """An HTTPRoute at a Gateway (gateway.networking.k8s.io) of any namespace, by default the service's own.

    `canary`: the percentages of the requests that a new version gets, one after the other for `canary_seconds` each.
    A step fails if the new version's share of 5xx is more than `canary_error_percent` above that of the running one, or
    if its p95 is more than `canary_slower` times that of the running one.
    """

    name: Name
    namespace: Name | None = None
    section: str | None = None
    host: str
    path: str = "/"
    annotations: Annotations = Field({})
    canary: Annotated[tuple[Weight, ...], AfterValidator(rising)] = ()
    canary_seconds: int = Field(60, ge=5)
    canary_error_percent: float = Field(1, ge=0, lt=100)
    canary_slower: float = Field(2, gt=1)


# Keys that say how a release goes on, and not what the route is.
CANARY_KEYS = frozenset({"canary", "canary_seconds", "canary_error_percent", "canary_slower"})
