"""Keys of an environment on Azure Container Apps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from toolkit.deploy.inventory import containerapps_keys
from toolkit.deploy.inventory.names import APP_LIMIT
from toolkit.deploy.inventory.traffic import TrafficEnvironment

# Two hyphens separate an app from its revision.
APP_NAME = r"^[a-z](-?[a-z0-9])*$"
SUBSCRIPTION = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
RESOURCE_GROUP = r"^[-\w.()]{1,90}$"
IDENTITY = (
    r"^/subscriptions/[^/]+/resource[gG]roups/[^/]+/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+$"
)
# Azure's limit for the time between SIGTERM and SIGKILL.
GRACE_LIMIT = 600
# Set by a release; `template` adds what it does not.
OWN_TEMPLATE_KEYS = frozenset({"containers", "revisionSuffix", "terminationGracePeriodSeconds", "scale"})
SECRET = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{1,22}[a-zA-Z0-9]/[-a-zA-Z0-9]{1,127}(@[0-9a-f]{32})?")


def _steps(cpu: float) -> float:
    if cpu * 4 != int(cpu * 4):
        raise ValueError("Container Apps has steps of 0.25 CPUs")
    return cpu


def _known(template: dict[str, Any]) -> dict[str, Any]:
    if own := sorted(OWN_TEMPLATE_KEYS & set(template)):
        raise ValueError(f"{', '.join(own)} is set by the toolkit")
    if faults := list(containerapps_keys.unknown(template, containerapps_keys.TEMPLATE)):
        raise ValueError("; ".join(faults))
    return template


class ContainerAppsEnvironment(TrafficEnvironment):
    """An app of a subscription and resource group. The subscription is the pin: every request names it."""

    place: Literal["containerapps"] = "containerapps"
    driver: Literal["arm"] = "arm"
    subscription: str = Field(pattern=SUBSCRIPTION)
    resource_group: str = Field(pattern=RESOURCE_GROUP)
    environment: str = Field(pattern=r"^[a-z][-a-z0-9]{0,58}[a-z0-9]$")
    app: str = Field(pattern=APP_NAME, max_length=APP_LIMIT)
    identity: str | None = Field(None, pattern=IDENTITY)
    registry_identity: str | None = Field(None, pattern=IDENTITY)
    history_account: str = Field(pattern=r"^[a-z0-9]{3,24}$")
    external: bool = True
    cpu: Annotated[float, Field(ge=0.25, le=4), AfterValidator(_steps)] = 0.5
    concurrency: int = Field(50, ge=1)
    replicas: int = Field(1, ge=0, le=1000)
    max_replicas: int = Field(10, ge=1, le=1000)
    template: Annotated[dict[str, Any], AfterValidator(_known)] = Field({})
    hold_seconds: int = Field(5, ge=0)

    @model_validator(mode="after")
    def _secrets_are_references(self) -> ContainerAppsEnvironment:
        if self.secret.store != "azure" or not isinstance(self.secret.keys, Mapping):
            raise ValueError(
                "secret: Container Apps reads secrets from Azure Key Vault; write "
                "`secret: {store: azure, keys: {DATABASE_URL: VAULT/NAME}}`"
            )
        for variable, key in self.secret.keys.items():
            if not SECRET.fullmatch(key):
                raise ValueError(f"secret.keys.{variable}: expected VAULT/NAME or VAULT/NAME@VERSION, not {key}")
        return self

    @model_validator(mode="after")
    def _limits_agree(self) -> ContainerAppsEnvironment:
        if self.replicas > self.max_replicas:
            raise ValueError(f"replicas {self.replicas} is more than max_replicas {self.max_replicas}")
        if self.termination_grace > GRACE_LIMIT:
            raise ValueError(f"drain_seconds + graceful_seconds: Container Apps ends a replica after {GRACE_LIMIT} s")
        if self.processes:
            name = next(iter(self.processes))
            raise ValueError(f"processes.{name}: not available on Container Apps; deploy it to Kubernetes")
        if self.canary.weights and self.metrics_port:
            raise ValueError("canary: METRICS_PORT is not reachable on Container Apps; remove it from `settings`")
        return self

    @property
    def memory(self) -> str:
        """Memory of a replica: Container Apps allows 2 GiB for each CPU, and nothing else."""
        return f"{self.cpu * 2:g}Gi"

    @property
    def scope(self) -> str:
        return f"{self.subscription}/{self.resource_group}/{self.app}"
