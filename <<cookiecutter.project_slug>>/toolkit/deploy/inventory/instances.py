"""Keys of an environment on Azure Container Instances."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from toolkit.deploy.inventory.containerapps import IDENTITY, RESOURCE_GROUP, SUBSCRIPTION
from toolkit.deploy.inventory.containerapps_keys import unknown
from toolkit.deploy.inventory.instances_keys import PROPERTIES
from toolkit.deploy.inventory.schema import Environment

# Set by a release; `properties` adds what it does not.
OWN_KEYS = frozenset({"containers", "osType", "restartPolicy", "ipAddress", "imageRegistryCredentials", "subnetIds"})
GROUP_LIMIT = 63


def _known(properties: dict[str, Any]) -> dict[str, Any]:
    if own := sorted(OWN_KEYS & set(properties)):
        raise ValueError(f"{', '.join(own)} is set by the toolkit")
    if faults := list(unknown(properties, PROPERTIES)):
        raise ValueError("; ".join(faults))
    return properties


class InstancesEnvironment(Environment):
    """A container group of a subscription and resource group. The subscription is the pin: every request names it."""

    place: Literal["instances"] = "instances"
    driver: Literal["arm"] = "arm"
    subscription: str = Field(pattern=SUBSCRIPTION)
    resource_group: str = Field(pattern=RESOURCE_GROUP)
    location: str = Field(pattern=r"^[a-z0-9]+$")
    container_group: str = Field(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=GROUP_LIMIT)
    dns_label: str | None = Field(None, pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=GROUP_LIMIT)
    subnet: str | None = Field(None, pattern=r"^/subscriptions/.+/subnets/[^/]+$")
    identity: str | None = Field(None, pattern=IDENTITY)
    history_account: str = Field(pattern=r"^[a-z0-9]{3,24}$")
    allow_downtime: bool = False
    cpu: float = Field(1, gt=0, le=4)
    memory_gb: float = Field(1.5, gt=0, le=16)
    properties: Annotated[dict[str, Any], AfterValidator(_known)] = Field({})
    replicas: int = 1
    hold_seconds: int = Field(5, ge=0)

    @model_validator(mode="after")
    def _fits(self) -> InstancesEnvironment:
        if not self.secret.written:
            raise ValueError(
                "secret: Container Instances has no secrets of its own; write `secret: {from_env: [DATABASE_URL]}`, or "
                "`secret: {store: azure, keys: {DATABASE_URL: VAULT/NAME}}`, which the deployer reads"
            )
        if self.replicas != 1:
            raise ValueError(
                "replicas: a container group runs one container; write `replicas: 1`, or use `place: containerapps`"
            )
        if self.processes:
            name = next(iter(self.processes))
            raise ValueError(f"processes.{name}: not available on Container Instances; deploy it to Kubernetes")
        if self.subnet and self.dns_label:
            raise ValueError("dns_label: a container group in a subnet has no public name; remove one of both")
        return self

    @property
    def scope(self) -> str:
        return f"{self.subscription}/{self.resource_group}/{self.container_group}"

    @property
    def downtime_allowed(self) -> bool:
        """True if a release may interrupt the service: everywhere but in production, unless a key allows it."""
        return self.allow_downtime or self.name != "production"
