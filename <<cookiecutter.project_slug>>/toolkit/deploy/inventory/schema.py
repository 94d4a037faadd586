"""Keys of an environment, each with its default. The schema is the documentation."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

from pydantic import Field, model_validator

from toolkit.deploy.inventory.database_ca import DatabaseCa, expanded
from toolkit.deploy.inventory.gateway import Gateway
from toolkit.deploy.inventory.pod_keys import Annotations, Block, Name, PodKeys, Text
from toolkit.deploy.inventory.preview import Preview
from toolkit.deploy.inventory.processes import Processes
from toolkit.deploy.inventory.resources import Count, Port, Resources, Seconds
from toolkit.deploy.inventory.secret import Secret

# After the last request: connections to PostgreSQL are closed (2 s at most), the last traces sent (3 s at most), and a
# reserve for a busy machine.
LAST_SECONDS = 10
ROLLOUT_SECONDS = 300
PROGRESS_MARGIN = 120  # until the cluster itself gives a roll-out up, which it does without a reason


class Autoscale(Block):
    min: int = Field(2, ge=1)
    max: int = Field(6, ge=1)
    cpu_percent: int = Field(70, ge=1, le=100)


class Ingress(Block):
    host: str
    path: str = "/"
    class_name: str | None = None
    tls_secret: str | None = None
    annotations: Annotations = Field({})


class Graces(Block):
    """Seconds that each kind of pod failure may last before it is fatal."""

    pull: Seconds = 90
    config: Seconds = 30
    mount: Seconds = 30
    start: Seconds = 30
    unschedulable: Seconds = 120
    create: Seconds = 10
    partial: Seconds = 60


class Probes(Block):
    """Startup has period x threshold seconds, then live and ready begin."""

    startup_period: Count = 1
    startup_threshold: Count = 60
    live_period: Count = 5
    live_threshold: Count = 2
    ready_period: Count = 2
    ready_threshold: Count = 2


class NetworkPolicy(Block):
    """Allowed callers (namespaces by name; none: all), and the ports that the pods may connect to.

    `metrics_from_namespaces`: allowed callers of METRICS_PORT; by default `from_namespaces`.
    """

    enabled: bool = True
    from_namespaces: tuple[str, ...] = ()
    metrics_from_namespaces: tuple[str, ...] = ()
    to_ports: tuple[Port, ...] = (5432, 443, 4318)


class Environment(Block):
    """Keys of an environment in every place; each place adds its own."""

    name: str
    place: Literal["kubernetes", "machine", "ecs", "cloudrun", "containerapps", "instances"] = "kubernetes"
    driver: str
    confirm: bool = False
    # the image: built from this checkout, or given by digest
    repository: str
    image: str | None = None
    platforms: tuple[str, ...] = ()
    clean_checkout: bool = False
    # the release
    replicas: int = Field(2, ge=0)
    resources: Resources = Resources()
    processes: Processes = Field({})
    settings: dict[str, Text] = Field({})
    secret: Secret
    port: Port = 8000
    # time
    drain_seconds: int = Field(15, ge=0)
    graceful_seconds: int = Field(20, ge=1)
    rollout_seconds: Count = ROLLOUT_SECONDS
    migration_seconds: Count = 600
    hold_seconds: Seconds = 10
    lease_seconds: int = Field(60, ge=4)
    history: int = Field(10, ge=2)
    # checks: the address that clients use, and whether an example may be created there, read and deleted
    url: str | None = None
    smoke_writes: bool = False
    preview: Preview = Preview()
    database_max_connections: Count | None = None

    @property
    @abstractmethod
    def scope(self) -> str:
        """Name of this environment of this service within its place."""

    @property
    def fixed_replicas(self) -> int | None:
        """Number of instances that a release sets; None where the place chooses it."""
        return self.replicas

    @property
    def canary_weights(self) -> tuple[int, ...]:
        """Percentages of the requests that a new version gets before it is released; none for a release at once."""
        return ()

    @property
    def shares_variables(self) -> bool:
        """True if the service also reads variables of sources that the release does not know."""
        return False

    @property
    def made_variables(self) -> tuple[str, ...]:
        """Secret variables whose values the place makes, so that `secret` does not give them."""
        return ()

    @property
    def references_secrets(self) -> bool:
        """True if the place reads the secrets of `secret.store` itself, so that a release does not carry values."""
        return False

    @property
    def termination_grace(self) -> int:
        """Drain, then uvicorn's graceful shutdown, then LAST_SECONDS before SIGKILL."""
        return self.drain_seconds + self.graceful_seconds + LAST_SECONDS

    @property
    def metrics_port(self) -> int | None:
        """Separate port of /metrics, if the settings have a valid one."""
        given = self.settings.get("METRICS_PORT", "").strip()
        return int(given) if given.isdecimal() and 0 < int(given) < 2**16 else None

    @property
    def hold(self) -> int:
        """Seconds for which a finished roll-out must stay healthy."""
        return self.hold_seconds


class KubernetesEnvironment(Environment, PodKeys):
    """A namespace of a cluster."""

    place: Literal["kubernetes"] = "kubernetes"
    driver: Literal["manifests", "helm"] = "manifests"
    # the cluster: `server` or `ca_fingerprint` pins it, `context` chooses from the kubeconfig
    context: str | None = None
    server: str | None = None
    ca_fingerprint: str | None = None
    namespace: Name
    create_namespace: bool = True
    # the release
    autoscale: Autoscale | None = None
    database_ca: DatabaseCa | None = None
    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    node_port: Port | None = None
    ingress: Ingress | None = None
    gateway: Gateway | None = None
    network_policy: NetworkPolicy = NetworkPolicy()
    # time
    min_ready_seconds: int = Field(0, ge=0)
    probes: Probes = Probes()
    progress_deadline_seconds: Count = ROLLOUT_SECONDS + PROGRESS_MARGIN
    api_patience_seconds: Seconds = 60
    graces: Graces = Graces()

    @model_validator(mode="before")
    @classmethod
    def _with_database_ca(cls, values: dict[str, Any]) -> dict[str, Any]:
        return expanded(values) if values.get("database_ca") is not None else values

    @property
    def scope(self) -> str:
        return self.namespace

    @property
    def fixed_replicas(self) -> int | None:
        return None if self.autoscale else self.replicas

    @property
    def canary_weights(self) -> tuple[int, ...]:
        return self.gateway.canary if self.gateway else ()

    @property
    def shares_variables(self) -> bool:
        return bool(self.env_from)

    @property
    def hold(self) -> int:
        return max(self.min_ready_seconds, self.probes.live_period * self.probes.live_threshold, self.hold_seconds)
