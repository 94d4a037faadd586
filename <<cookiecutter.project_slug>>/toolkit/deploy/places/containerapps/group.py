"""The group, the environment, the identities and the registries of an app and its Jobs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
    from toolkit.deploy.places.azure.client import Object

SYSTEM = "system"  # the app's own identity
SERVICE_TAG = "deploy-service"


def identity(env: ContainerAppsEnvironment) -> Object:
    names = sorted({name for name in (env.identity, env.registry_identity) if name})
    own = "SystemAssigned" if env.identity is None else ""
    kind = ",".join(filter(None, (own, "UserAssigned" if names else "")))
    return {"type": kind, **({"userAssignedIdentities": {name: {} for name in names}} if names else {})}


def registries(env: ContainerAppsEnvironment) -> list[Object]:
    """Return the log-in at the image's registry; none for one without a host of its own, which is public."""
    host = env.repository.partition("/")[0]
    if not host.endswith(".azurecr.io"):
        return []
    return [{"server": host, "identity": env.registry_identity or env.identity or SYSTEM}]


def path(env: ContainerAppsEnvironment) -> str:
    return f"/subscriptions/{env.subscription}/resourceGroups/{env.resource_group}/providers/Microsoft.App"


def environment_id(env: ContainerAppsEnvironment) -> str:
    return f"{path(env)}/managedEnvironments/{env.environment}"
