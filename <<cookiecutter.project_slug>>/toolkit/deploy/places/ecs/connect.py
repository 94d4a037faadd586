"""Connection to the account of an environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.changes import Changes
from toolkit.deploy.places.ecs.bucket import Bucket
from toolkit.deploy.places.ecs.calls import Calls
from toolkit.deploy.places.ecs.client import Client
from toolkit.deploy.places.ecs.place import EcsPlace

if TYPE_CHECKING:
    from toolkit.deploy.inventory.ecs import EcsEnvironment
    from toolkit.deploy.report import Report


def open_place(project: Path, service: str, environment: EcsEnvironment, report: Report) -> EcsPlace:
    """Check whose credentials these are. Raises Failed AWS_CLIENT, NO_CREDENTIALS, OTHER_ACCOUNT, ..."""
    made = closed_place(project, service, environment, report, None)
    identity = made.calls.read("sts", "get_caller_identity")
    if identity["Account"] != environment.account:
        raise fail(
            "OTHER_ACCOUNT",
            f"these credentials are of the account {identity['Account']}, and {environment.name} is in "
            f"{environment.account}",
            str(identity["Arn"]),
            hint="choose other credentials (AWS_PROFILE), or correct `account` in deploy/inventory.yaml",
        )
    made.caller = str(identity["Arn"])
    return made


def closed_place(
    project: Path, service: str, environment: EcsEnvironment, report: Report, error: Failed | None
) -> EcsPlace:
    """Return a place that has not asked anything; each request raises `error`."""
    found = Changes()
    client = Client(environment.region, found)
    calls = Calls(client, environment.cluster)
    bucket = Bucket(client, environment.bucket, f"{environment.family}/")
    return EcsPlace(project, service, environment, report, calls, bucket, found, error)


def unasked() -> Failed:
    return fail("NO_ACCOUNT", "no account is asked here")
