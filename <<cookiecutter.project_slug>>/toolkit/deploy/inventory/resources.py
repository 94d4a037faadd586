"""Kinds of numbers in the inventory, and the resources of a container."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from toolkit.deploy.inventory.pod_keys import Block, Text
from toolkit.deploy.inventory.quantities import quantity


def _quantity(value: str) -> str:
    try:
        positive = quantity(value) > 0
    except ValueError:
        positive = False
    if not positive:
        raise ValueError("expected a quantity, for example 500m or 0.5 for cpu, 256Mi for memory")
    return value


Quantity = Annotated[Text, AfterValidator(_quantity)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Resources(Block):
    """Resources, written as the API server returns them (64Mi, not 67108864), or every diff would show them."""

    cpu_request: Quantity = "100m"
    cpu_limit: Quantity | None = None
    memory_request: Quantity = "128Mi"
    memory_limit: Quantity = "256Mi"

    @model_validator(mode="after")
    def _requests_within_limits(self) -> Resources:
        pairs = (("cpu", self.cpu_request, self.cpu_limit), ("memory", self.memory_request, self.memory_limit))
        for name, request, limit in pairs:
            if limit is not None and quantity(request) > quantity(limit):
                raise ValueError(f"{name}_request {request} is more than {name}_limit {limit}")
        return self
