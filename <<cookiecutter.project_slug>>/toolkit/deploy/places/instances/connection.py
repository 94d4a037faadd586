"""The clients of the platform's APIs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.deploy.places.azure.front import Front
    from toolkit.deploy.places.azure.ledger import Ledger
    from toolkit.deploy.places.instances.groups import ContainerGroups


@dataclass(frozen=True)
class Connection:
    """Clients of one environment."""

    groups: ContainerGroups
    front: Front
    ledger: Ledger
