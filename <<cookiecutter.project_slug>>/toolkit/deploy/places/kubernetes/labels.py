"""Labels and annotations of the toolkit's objects."""

from __future__ import annotations

LABEL = "deploy/service"
NAME_LABEL = "app.kubernetes.io/name"
# On the objects of a canary, with the name of the service; they have no LABEL, so no release prunes them half-way.
CANARY_LABEL = "deploy/canary"
# Name of a further process of the service, on its Deployment or CronJob, and its pods.
PROCESS_LABEL = "deploy/process"
# Annotation of pod templates: a hash of the Secrets and ConfigMaps that the pods read (sources.py).
MARK = "deploy/sources"


def migration_label(service: str) -> str:
    """The name label of all migration Jobs, and of no other Job."""
    return f"{service}-migrate"
