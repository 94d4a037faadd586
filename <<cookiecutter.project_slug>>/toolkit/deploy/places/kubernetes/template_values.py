"""The values that the templates of both release drivers are rendered with. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.names import fitted
from toolkit.deploy.places.kubernetes.environment import environment_of
from toolkit.deploy.places.kubernetes.labels import LABEL, MARK, NAME_LABEL, PROCESS_LABEL, migration_label
from toolkit.deploy.places.kubernetes.objects import content_hash

if TYPE_CHECKING:
    from toolkit.deploy.spec import ReleaseSpec


def template_values(spec: ReleaseSpec) -> dict[str, Any]:
    """The variables for the templates of both drivers."""
    env, config = environment_of(spec), spec.config()
    data = _encoded(spec.secrets)
    selector = {NAME_LABEL: spec.service}
    labels = {**env.labels, **selector, LABEL: spec.service}
    job = {**labels, NAME_LABEL: migration_label(spec.service)}
    annotations = {**env.annotations, **({MARK: spec.mark} if spec.mark else {})}
    scrape = {"scrape": "true", "port": str(env.metrics_port or env.port), "path": "/metrics"}
    return {
        "name": spec.service,
        "namespace": env.namespace,
        "env": env,
        "resources": env.resources,  # a process may have its own
        "image": spec.image,
        "digest": spec.digest,
        "labels": labels,
        "selector": selector,
        "pod_labels": labels,
        "job_labels": job,
        "annotations": annotations,
        "run_annotations": env.annotations,  # each run of a scheduled command reads the variables as they are then
        "pod_annotations": {**{f"prometheus.io/{key}": value for key, value in scrape.items()}, **annotations},
        # Native sidecars: they start before the service and end after it, and a Job does not wait for them.
        "sidecars": [{"restartPolicy": "Always", **sidecar} for sidecar in env.sidecars],
        "config": config,
        "config_name": f"{spec.service}-{content_hash(config)}",
        "secret_name": secret_name(spec),
        "secret_keys": spec.secret_keys,
        "secret_data": data,
        "replicas": spec.replicas,
        "least": env.autoscale.min if env.autoscale else env.replicas,
        "processes": [_process(spec, name) for name in sorted(env.processes)],
        "process_min_ready": max(env.min_ready_seconds, env.hold),
    }


def process_name(service: str, process: str) -> str:
    """Return the name of a process's Deployment or CronJob, which adds 11 characters to it for its Jobs."""
    return fitted(service, f"-{process}", 52)


def _process(spec: ReleaseSpec, name: str) -> dict[str, Any]:
    """The values of one process; plain data, as both drivers need it."""
    env, process = environment_of(spec), spec.environment.processes[name]
    selector = {NAME_LABEL: process_name(spec.service, name), PROCESS_LABEL: name}
    return {
        "name": selector[NAME_LABEL],
        "command": list(process.command),
        "replicas": process.replicas,
        "schedule": process.schedule,
        "grace_seconds": process.grace_seconds,
        "limit_seconds": process.limit_seconds,
        "resources": (process.resources or env.resources).model_dump(),
        "selector": selector,
        "labels": {**env.labels, **selector, LABEL: spec.service},
        # Without the service's label, by which a deploy prunes Jobs: the CronJob owns them.
        "run_labels": {**env.labels, **selector},
    }


def secret_name(spec: ReleaseSpec) -> str:
    """The Secret that the pods read, from any source."""
    secret, data = spec.environment.secret, _encoded(spec.secrets)
    if secret.external and secret.external.versions:
        # A Secret for each choice of versions: a rollback finds the values of its release.
        return f"{spec.service}-{content_hash(secret.external.model_dump(exclude={'refresh'}))}"
    return secret.name or f"{spec.service}-{content_hash(data) if data else 'external'}"


def _encoded(secrets: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(value.encode()).decode() for name, value in sorted(secrets.items())}
