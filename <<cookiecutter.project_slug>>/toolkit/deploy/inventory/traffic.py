"""Common keys of environments whose platform divides the requests between revisions."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from toolkit.deploy.inventory.gateway import Weight, rising
from toolkit.deploy.inventory.pod_keys import Block
from toolkit.deploy.inventory.schema import Environment


class Canary(Block):
    """The shares of the requests that a new version gets, one after the other for `seconds` each.

    A step fails if the new version's share of 5xx is more than `error_percent` above that of the running one, or if its
    p95 is more than `slower` times that of the running one.
    """

    weights: Annotated[tuple[Weight, ...], AfterValidator(rising)] = ()
    seconds: int = Field(60, ge=5)
    error_percent: float = Field(1, ge=0, lt=100)
    slower: float = Field(2, gt=1)


def _shorthand(value: object) -> object:
    return {"weights": value} if isinstance(value, list | tuple) else value


CanaryKey = Annotated[Canary, BeforeValidator(_shorthand)]


class TrafficEnvironment(Environment):
    """Base of these environments."""

    canary: CanaryKey = Canary()

    @property
    def canary_weights(self) -> tuple[int, ...]:
        return self.canary.weights

    @property
    def references_secrets(self) -> bool:
        return True
