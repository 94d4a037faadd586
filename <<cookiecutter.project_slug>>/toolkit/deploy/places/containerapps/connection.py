"""The clients of the platform's APIs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.deploy.places.azure.front import Front
    from toolkit.deploy.places.azure.ledger import Ledger
    from toolkit.deploy.places.containerapps.app import ContainerApp
    from toolkit.deploy.places.containerapps.logs import Logs
    from toolkit.deploy.places.containerapps.vault import SecretVersions


@dataclass(frozen=True)
class Connection:
    """Clients of one environment."""

    app: ContainerApp
    front: Front
    ledger: Ledger
    logs: Logs
    secrets: SecretVersions
