"""The values of the chart, and the file in which Helm gets them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.gateway import CANARY_KEYS
from toolkit.deploy.inventory.pod_keys import PodKeys
from toolkit.deploy.places.kubernetes.template_values import template_values

if TYPE_CHECKING:
    from toolkit.deploy.spec import ReleaseSpec

# Keys of the inventory with the same names in the chart.
KEYS = (
    *PodKeys.model_fields,
    *("repository", "autoscale", "resources", "settings", "probes"),
    *("port", "service_type", "node_port", "ingress", "gateway", "network_policy"),
    *("drain_seconds", "graceful_seconds", "min_ready_seconds", "progress_deadline_seconds", "migration_seconds"),
)


def values(release: ReleaseSpec, **create: bool) -> dict[str, Any]:
    """Return the chart's values: the inventory's keys under their own names, and the release's additions. Pure."""
    env, given = release.environment, template_values(release)
    content = env.model_dump(mode="json", include=set(KEYS), exclude={"gateway": set(CANARY_KEYS)})
    external = env.secret.external.model_dump() if env.secret.external else None
    secret = {
        "name": given["secret_name"],
        "keys": list(given["secret_keys"]),
        "data": given["secret_data"],
        "external": external,
    }
    return {
        **content,
        "annotations": given["annotations"],
        "run_annotations": given["run_annotations"],
        "processes": given["processes"],
        "process_min_ready": given["process_min_ready"],
        "name": release.service,
        "digest": release.digest,
        "replicas": release.replicas,
        "least": given["least"],
        "config_name": given["config_name"],
        "job_name": f"{release.service}-migrate",  # render() gives it the hash that both drivers use
        "secret": secret,
        "create": {"config": True, "job": True, **create},
    }


@contextmanager
def values_file(content: Mapping[str, Any]) -> Iterator[Path]:
    """Yield a private temporary file: values contain secrets, and argument lists are visible to all users."""
    handle, name = tempfile.mkstemp(prefix="values-", suffix=".json")  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(content, out, ensure_ascii=False)  # Helm reads it as YAML, which does not allow surrogates
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
