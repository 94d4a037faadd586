"""Keys of an environment on Google Cloud Run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from toolkit.deploy.inventory.pod_keys import Annotations
from toolkit.deploy.inventory.traffic import TrafficEnvironment

# Cloud Run ends an instance so long after SIGTERM.
STOP_SECONDS = 10
# A name of a service is part of its revisions' names, and of host names with a tag before it.
SERVICE_NAME = r"^[a-z]([-a-z0-9]{0,47}[a-z0-9])?$"


class CloudRunEnvironment(TrafficEnvironment):
    """A service of a project and region. The project is the pin: every request names it."""

    place: Literal["cloudrun"] = "cloudrun"
    driver: Literal["admin-api"] = "admin-api"
    project: str = Field(pattern=r"^[a-z][-a-z0-9]{4,28}[a-z0-9]$")
    region: str = Field(pattern=r"^[a-z]+(-[a-z]+)+[0-9]+$")
    service: str = Field(pattern=SERVICE_NAME)
    service_account: str | None = Field(None, pattern=r"^[^@\s]+@[^@\s]+$")
    ingress_settings: Literal["all", "internal", "internal-and-cloud-load-balancing"] = "all"
    public: bool = False
    annotations: Annotations = Field({})
    concurrency: int = Field(80, ge=1, le=1000)
    request_seconds: int = Field(300, ge=1, le=3600)
    replicas: int = Field(1, ge=0)
    max_instances: int = Field(10, ge=1)
    # Requests are no longer sent to an instance that gets SIGTERM.
    drain_seconds: int = Field(0, ge=0, le=STOP_SECONDS)
    graceful_seconds: int = Field(6, ge=1, le=STOP_SECONDS)
    hold_seconds: int = Field(5, ge=0)

    @model_validator(mode="after")
    def _secrets_are_references(self) -> CloudRunEnvironment:
        if self.secret.store != "google":
            raise ValueError(
                "secret: Cloud Run reads secrets from Google Secret Manager; write "
                "`secret: {store: google, keys: {DATABASE_URL: PROJECT/NAME}}`"
            )
        if isinstance(self.secret.keys, Mapping):
            for variable, key in self.secret.keys.items():
                if (owner := key.rpartition("/")[0]) and owner != self.project:
                    raise ValueError(f"secret.keys.{variable}: Cloud Run reads secrets of its own project, not {owner}")
                if "#" in key:
                    raise ValueError(
                        f"secret.keys.{variable}: Cloud Run takes a whole secret, not a property of it: {key}"
                    )
        return self

    @model_validator(mode="after")
    def _bounds_agree(self) -> CloudRunEnvironment:
        if self.replicas > self.max_instances:
            raise ValueError(f"replicas {self.replicas} is more than max_instances {self.max_instances}")
        if self.drain_seconds + self.graceful_seconds > STOP_SECONDS:
            raise ValueError(f"drain_seconds + graceful_seconds: Cloud Run ends an instance after {STOP_SECONDS} s")
        workers = [name for name, process in self.processes.items() if not process.schedule]
        if workers:
            raise ValueError(
                f"processes.{workers[0]}: on Cloud Run the toolkit runs commands with a `schedule`, not workers; "
                "run it in a worker pool (docs/cloudrun.md), or deploy to Kubernetes or a machine"
            )
        if self.canary.weights and self.metrics_port:
            raise ValueError("canary: METRICS_PORT is not reachable on Cloud Run; remove it from `settings`")
        return self

    @property
    def scope(self) -> str:
        return f"{self.project}/{self.region}/{self.service}"
