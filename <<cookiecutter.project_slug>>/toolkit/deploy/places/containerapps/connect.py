"""Connection to a subscription: the clients of Azure's APIs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.azure.auth import Tokens
from toolkit.deploy.places.azure.client import Client
from toolkit.deploy.places.azure.front import Front
from toolkit.deploy.places.azure.ledger import Ledger
from toolkit.deploy.places.changes import Changes
from toolkit.deploy.places.containerapps.app import ContainerApp
from toolkit.deploy.places.containerapps.connection import Connection
from toolkit.deploy.places.containerapps.logs import Logs
from toolkit.deploy.places.containerapps.place import ContainerAppsPlace
from toolkit.deploy.places.containerapps.vault import SecretVersions

if TYPE_CHECKING:
    from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
    from toolkit.deploy.report import Report

VERSION = "2025-07-01"  # of Microsoft.App


def open_place(
    project: Path, service: str, environment: ContainerAppsEnvironment, report: Report
) -> ContainerAppsPlace:
    """Log in. Raises Failed AZURE_IDENTITY_MISSING, AZURE_NOT_LOGGED_IN."""
    changes, tokens = Changes(), Tokens()
    tokens.prepare()
    client = Client(tokens, changes, VERSION)
    app = ContainerApp(client, environment)
    secrets, ledger = SecretVersions(client, environment), Ledger(client, environment.history_account, environment.app)
    connection = Connection(app, Front(), ledger, Logs(app), secrets)
    return ContainerAppsPlace(project, service, environment, report, changes, connection)


def closed_place(
    project: Path, service: str, environment: ContainerAppsEnvironment, report: Report, error: Failed | None = None
) -> ContainerAppsPlace:
    """Return a place without a connection; each request raises `error`."""
    unasked = error or fail("NO_SUBSCRIPTION", "no subscription is asked here")
    return ContainerAppsPlace(project, service, environment, report, Changes(), None, unasked)
