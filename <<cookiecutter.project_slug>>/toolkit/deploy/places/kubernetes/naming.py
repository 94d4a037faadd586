"""Names of the objects that the toolkit makes, and how to know them again. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.names import fitted
from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.kubernetes.objects import content_hash

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object


def migration(service: str, spec: Object) -> str:
    """Return the name of the migration Job. A Job's template is immutable, so a different template has another name."""
    return fitted(service, f"-migrate-{content_hash(spec)}")


def is_migration(item: Object, service: str) -> bool:
    """Return True if a rendered object is the migration Job; a service may have other Jobs."""
    return item["kind"] == "Job" and item["metadata"]["name"] == migration(service, item["spec"])


def is_generated(item: Object, service: str) -> bool:
    """Return True if a ConfigMap, Secret or ServiceAccount is from the toolkit's templates, by its name."""
    return re.fullmatch(f"{re.escape(service)}(-[0-9a-f]{{10}}|-external)?", item["metadata"]["name"]) is not None


def migration_in(objects: Sequence[Object], service: str) -> Object:
    """Return the release's migration Job, by name; other Jobs are ordinary objects. Raises Failed NO_MIGRATION_JOB."""
    found = next((item for item in objects if is_migration(item, service)), None)
    if found is None:
        raise fail(
            "NO_MIGRATION_JOB",
            f"the manifests have no Job named {service}-migrate, which migrates the database",
            f"Jobs: {', '.join(item['metadata']['name'] for item in objects if item['kind'] == 'Job') or 'none'}",
            hint="restore the template `database-migration-job` with its original name",
        )
    return found


def with_migration_named(objects: Sequence[Object], service: str) -> Sequence[Object]:
    """Set the name of the Job that the templates call `SERVICE-migrate`, if it exists."""
    for item in objects:
        if item["kind"] == "Job" and item["metadata"]["name"] == f"{service}-migrate":
            item["metadata"]["name"] = migration(service, item["spec"])
    return objects
