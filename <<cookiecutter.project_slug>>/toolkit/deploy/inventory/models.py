"""The schema of an environment by its key `place`."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.deploy.inventory import keys
from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
from toolkit.deploy.inventory.ecs import EcsEnvironment
from toolkit.deploy.inventory.instances import InstancesEnvironment
from toolkit.deploy.inventory.machine import MachineEnvironment
from toolkit.deploy.inventory.pod_keys import Block
from toolkit.deploy.inventory.schema import Environment, KubernetesEnvironment

MODELS: Mapping[str, type[Environment]] = {
    "kubernetes": KubernetesEnvironment,
    "machine": MachineEnvironment,
    "ecs": EcsEnvironment,
    "cloudrun": CloudRunEnvironment,
    "containerapps": ContainerAppsEnvironment,
    "instances": InstancesEnvironment,
}


def all_keys() -> frozenset[str]:
    """Return the keys of every place."""
    return frozenset(key for model in MODELS.values() for key in model.model_fields)


def block_of(key: str) -> type[Block] | None:
    """Return the block of a key of any place; None for a plain value."""
    return next((found for model in MODELS.values() if (found := keys.block_of(model, key))), None)


def is_map(key: str) -> bool:
    """Return True if a key of any place is a map with free names."""
    return any(keys.is_map(model, key) for model in MODELS.values())
