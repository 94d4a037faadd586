"""What is released: one service, one environment, one image; and the driver that turns it into objects."""

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
# What each release driver renders.
FOLDERS = {"manifests": "k8s", "helm": "helm"}
NAME_LABEL = "app.kubernetes.io/name"
# Annotation of pod templates: what the Secrets and ConfigMaps hold that the pods read (sources.py).
MARK = "deploy/sources"


@dataclass(frozen=True)
class Release:
    """`digest` is `sha256:...`; `secrets` has plain values and is never printed. `mark`: see MARK."""

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
        """The variables that are no secrets. Drain and grace are those that the manifest's deadlines are made from."""
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
        """What the templates of both drivers are rendered with."""
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
    """The name label that migrations of every release have, and no other Job."""
    return f"{service}-migrate"


class Driver(Protocol):
    """How objects reach the cluster. Both drivers render the same ones."""

    manager: str

    def render(self, project: Path, release: Release) -> list[Object]:
        """Every object of the release, the migration Job included. Raises Failed MANIFEST_INVALID."""
        ...


def driver_of(environment: Environment, project: Path) -> Any:
    """The module of the environment's release driver. Raises Failed NO_DRIVER without the files that it renders."""
    folder = FOLDERS[environment.driver]
    if not (project / folder).is_dir():
        raise fail(
            "NO_DRIVER",
            f"driver {environment.driver!r} renders {folder}/, and this service has no such folder",
            hint="correct `driver` in deploy/inventory.yaml, or make the service again with that answer",
        )
    return import_module(f"toolkit.deploy.places.kubernetes.{environment.driver}")


def secrets_from(environment: Environment, variables: Mapping[str, str]) -> dict[str, str]:
    """The values for `secret.from_env`. Raises Failed SECRET_NOT_SET naming each variable that is missing."""
    names = environment.secret.from_env
    missing = sorted(name for name in names if not variables.get(name))
    if missing:
        raise fail(
            "SECRET_NOT_SET",
            f"the Secret is made from your environment, which lacks {', '.join(missing)}",
            hint=f"export {missing[0]}=... and run this again, or name an existing Secret in deploy/inventory.yaml",
        )
    return {name: variables[name] for name in names}
