"""ResourceQuotas against what a roll-out asks for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy.environment import Environment
    from deploy.objects import Object

UNITS = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6, "G": 1e9}


def shortages(env: Environment, quotas: Sequence[Object], pods: int = 1) -> Iterator[str]:
    """Which quotas would refuse `pods` more; a roll-out needs one. Pure."""
    one = {
        "pods": 1.0,
        "requests.cpu": quantity(env.resources.cpu_request),
        "requests.memory": quantity(env.resources.memory_request),
        "limits.memory": quantity(env.resources.memory_limit),
        **({"limits.cpu": quantity(env.resources.cpu_limit)} if env.resources.cpu_limit else {}),
    }
    one |= {"cpu": one["requests.cpu"], "memory": one["requests.memory"]}
    for item in quotas:
        hard, used = item.get("status", {}).get("hard", {}), item.get("status", {}).get("used", {})
        for name, needed in one.items():
            if name in hard and quantity(used.get(name, "0")) + pods * needed > quantity(hard[name]):
                yield f"quota {item['metadata']['name']}: {name} {used.get(name, '0')} of {hard[name]} used"


def quantity(text: str) -> float:
    """A Kubernetes quantity as a number: 100m, 64Mi, 1.5. Pure."""
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)
