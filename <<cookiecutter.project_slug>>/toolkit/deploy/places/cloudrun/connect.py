"""Connection to a project: the clients of its APIs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.changes import Changes
from toolkit.deploy.places.cloudrun.auth import Tokens
from toolkit.deploy.places.cloudrun.client import Client
from toolkit.deploy.places.cloudrun.connection import Connection
from toolkit.deploy.places.cloudrun.http import Front
from toolkit.deploy.places.cloudrun.ledger import Ledger
from toolkit.deploy.places.cloudrun.logs import Logs
from toolkit.deploy.places.cloudrun.place import CloudRunPlace
from toolkit.deploy.places.cloudrun.secret_manager import SecretVersions
from toolkit.deploy.places.cloudrun.service import RunService

if TYPE_CHECKING:
    from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
    from toolkit.deploy.report import Report


def open_place(project: Path, service: str, environment: CloudRunEnvironment, report: Report) -> CloudRunPlace:
    """Log in. Raises Failed GOOGLE_AUTH_MISSING, GOOGLE_NOT_LOGGED_IN."""
    changes, tokens = Changes(), Tokens()
    tokens.access()
    client = Client(tokens, changes)
    run = RunService(client, environment)
    connection = Connection(
        run,
        Front(tokens, public=environment.public),
        Ledger(run),
        Logs(client, environment.project),
        SecretVersions(client, environment),
    )
    return CloudRunPlace(project, service, environment, report, changes, connection)


def closed_place(
    project: Path, service: str, environment: CloudRunEnvironment, report: Report, error: Failed | None = None
) -> CloudRunPlace:
    """Return a place without a connection; each request raises `error`."""
    unasked = error or fail("NO_PROJECT", "no project is asked here")
    return CloudRunPlace(project, service, environment, report, Changes(), None, unasked)
