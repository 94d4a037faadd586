"""The values that the templates of both release drivers are rendered with. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.deploy.places.kubernetes.environment import environment_of
from toolkit.deploy.places.kubernetes.labels import LABEL, MARK, NAME_LABEL, migration_label
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
        "image": spec.image,
        "digest": spec.digest,
        "labels": labels,
        "selector": selector,
        "pod_labels": labels,
        "job_labels": job,
        "annotations": annotations,
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
    }


def secret_name(spec: ReleaseSpec) -> str:
    """The Secret that the pods read, from any source."""
    data = _encoded(spec.secrets)
    return spec.environment.secret.name or f"{spec.service}-{content_hash(data) if data else 'external'}"


def _encoded(secrets: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(value.encode()).decode() for name, value in sorted(secrets.items())}
