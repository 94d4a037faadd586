"""The clients of the platform's APIs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.http import Front
    from toolkit.deploy.places.cloudrun.ledger import Ledger
    from toolkit.deploy.places.cloudrun.logs import Logs
    from toolkit.deploy.places.cloudrun.secret_manager import SecretVersions
    from toolkit.deploy.places.cloudrun.service import RunService


@dataclass(frozen=True)
class Connection:
    """Clients of one environment."""

    run: RunService
    front: Front
    ledger: Ledger
    logs: Logs
    secrets: SecretVersions
