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
from toolkit.deploy.places.instances.connection import Connection
from toolkit.deploy.places.instances.groups import ContainerGroups
from toolkit.deploy.places.instances.place import InstancesPlace

if TYPE_CHECKING:
    from toolkit.deploy.inventory.instances import InstancesEnvironment
    from toolkit.deploy.report import Report

VERSION = "2023-05-01"  # of Microsoft.ContainerInstance


def open_place(project: Path, service: str, environment: InstancesEnvironment, report: Report) -> InstancesPlace:
    """Log in. Raises Failed AZURE_IDENTITY_MISSING, AZURE_NOT_LOGGED_IN."""
    changes, tokens = Changes(), Tokens()
    tokens.prepare()
    client = Client(tokens, changes, VERSION)
    ledger = Ledger(client, environment.history_account, environment.container_group)
    connection = Connection(ContainerGroups(client, environment), Front(), ledger)
    return InstancesPlace(project, service, environment, report, changes, connection)


def closed_place(
    project: Path, service: str, environment: InstancesEnvironment, report: Report, error: Failed | None = None
) -> InstancesPlace:
    """Return a place without a connection; each request raises `error`."""
    unasked = error or fail("NO_SUBSCRIPTION", "no subscription is asked here")
    return InstancesPlace(project, service, environment, report, Changes(), None, unasked)
