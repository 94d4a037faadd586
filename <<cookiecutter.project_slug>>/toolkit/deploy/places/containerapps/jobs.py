"""Jobs of an app: the migration, and commands that run once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.names import fitted
from toolkit.deploy.places.containerapps.group import SERVICE_TAG, environment_id, identity, registries

if TYPE_CHECKING:
    from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
    from toolkit.deploy.places.azure.client import Object
    from toolkit.deploy.records import Kept

JOB_LIMIT = 32


def job_name(app_name: str, kind: str) -> str:
    return fitted(app_name, f"-{kind}", limit=JOB_LIMIT)


def job(
    made: Object, env: ContainerAppsEnvironment, references: Sequence[Object], location: str, seconds: int
) -> Object:
    """Return a Job that runs a container once, when it is started, without a retry."""
    found = registries(env)
    return {
        "location": location,
        "tags": {SERVICE_TAG: env.app},
        "identity": identity(env),
        "properties": {
            "environmentId": environment_id(env),
            "configuration": {
                "triggerType": "Manual",
                "replicaTimeout": seconds,
                "replicaRetryLimit": 0,
                "manualTriggerConfig": {"parallelism": 1, "replicaCompletionCount": 1},
                "secrets": [dict(item) for item in references],
                **({"registries": found} if found else {}),
            },
            "template": {"containers": [made]},
        },
    }


def one_off(kept: Kept, command: Sequence[str]) -> Object:
    """Return the released container with another command."""
    released = kept["template"]["containers"][0]
    names = ("name", "image", "env", "resources")
    return {**{key: released[key] for key in names if key in released}, "command": list(command)}
