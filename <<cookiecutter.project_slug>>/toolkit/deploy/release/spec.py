"""The specification of a release: one service, one environment, one image; and the driver that renders it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.kubernetes.objects import Object, content_hash

if TYPE_CHECKING:
    from pathlib import Path

    from toolkit.deploy.inventory.schema import Environment

LABEL = "deploy/service"
# Folder that each release driver renders.
FOLDERS = {"manifests": "k8s", "helm": "helm"}
NAME_LABEL = "app.kubernetes.io/name"
# Annotation of pod templates: a hash of the Secrets and ConfigMaps that the pods read (sources.py).
MARK = "deploy/sources"


@dataclass(frozen=True)
class Release:
    """A release. `digest` is `sha256:...`; `secrets` has plain values and is never printed. `mark`: see MARK."""

    service: str
    environment: Environment
    digest: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    replicas: int | None = None
    mark: str = ""

    @property
    def image(self) -> str:
        return f"{self.environment.repository}@{self.digest}"

    @property
    def secret_keys(self) -> tuple[str, ...]:
        secret = self.environment.secret
        names = secret.from_env or (tuple(secret.external.keys) if secret.external else secret.keys)
        return tuple(sorted(names))

    def config(self) -> dict[str, str]:
        """The non-secret variables. Drain and grace are the values behind the manifest's deadlines."""
        env = self.environment
        given = {
            "DRAIN_SECONDS": str(env.drain_seconds),
            "GRACEFUL_SECONDS": str(env.graceful_seconds),
            "OTEL_SERVICE_NAME": self.service,
            "PORT": str(env.port),
            **env.settings,
        }
        return dict(sorted(given.items()))

    def values(self) -> dict[str, Any]:
        """The variables for the templates of both drivers."""
        env, config = self.environment, self.config()
        data = {name: base64.b64encode(value.encode()).decode() for name, value in sorted(self.secrets.items())}
        selector = {NAME_LABEL: self.service}
        labels = {**env.labels, **selector, LABEL: self.service}
        job = {**labels, NAME_LABEL: migration_label(self.service)}
        annotations = {**env.annotations, **({MARK: self.mark} if self.mark else {})}
        scrape = {"scrape": "true", "port": str(env.metrics_port or env.port), "path": "/metrics"}
        return {
            "name": self.service,
            "namespace": env.namespace,
            "env": env,
            "image": self.image,
            "digest": self.digest,
            "labels": labels,
            "selector": selector,
            "pod_labels": labels,
            "job_labels": job,
            "annotations": annotations,
            "pod_annotations": {**{f"prometheus.io/{key}": value for key, value in scrape.items()}, **annotations},
            # Native sidecars: they start before the service and end after it, and a Job does not wait for them.
            "sidecars": [{"restartPolicy": "Always", **sidecar} for sidecar in env.sidecars],
            "config": config,
            "config_name": f"{self.service}-{content_hash(config)}",
            "secret_name": env.secret.name or f"{self.service}-{content_hash(data) if data else 'external'}",
            "secret_keys": self.secret_keys,
            "secret_data": data,
            "replicas": self.replicas,
            "least": env.autoscale.min if env.autoscale else env.replicas,
        }


def migration_label(service: str) -> str:
    """The name label of all migration Jobs, and of no other Job."""
    return f"{service}-migrate"


class Driver(Protocol):
    """A driver that applies objects to the cluster. Both drivers render the same objects."""

    manager: str

    def render(self, project: Path, release: Release) -> list[Object]:
        """Return every object of the release, including the migration Job. Raises Failed MANIFEST_INVALID."""
        ...


def driver_of(environment: Environment, project: Path) -> Any:
    """Return the module of the environment's release driver. Raises Failed NO_DRIVER without its templates."""
    folder = FOLDERS[environment.driver]
    if not (project / folder).is_dir():
        raise fail(
            "NO_DRIVER",
            f"driver {environment.driver!r} requires the folder {folder}/, which does not exist",
            hint="correct `driver` in deploy/inventory.yaml, or generate the service again with that answer",
        )
    return import_module(f"toolkit.deploy.places.kubernetes.{environment.driver}")


def secrets_from(environment: Environment, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the values for `secret.from_env`. Raises Failed SECRET_NOT_SET with each missing variable."""
    names = environment.secret.from_env
    missing = sorted(name for name in names if not variables.get(name))
    if missing:
        raise fail(
            "SECRET_NOT_SET",
            f"variables for the Secret are missing from your environment: {', '.join(missing)}",
            hint=f"export {missing[0]}=... and run this again, or name an existing Secret in deploy/inventory.yaml",
        )
    return {name: variables[name] for name in names}
