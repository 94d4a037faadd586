"""Keys in which a preview differs from its base environment. Pure."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.machine import DATABASE_URL, MachineEnvironment
from toolkit.deploy.inventory.preview import PLACEHOLDER, scope_of
from toolkit.deploy.inventory.schema import KubernetesEnvironment

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment

# Each preview on a machine has a proxy at its own port.
FIRST_PORT, PORTS = 20000, 10000


def pairs_of(service: str, name: str, env: Environment) -> list[str]:
    """Return the keys as `-e` takes them; none for a place without previews."""
    scope, names = scope_of(service, name), sorted({DATABASE_URL, *env.secret.names})
    host = env.preview.host.replace(PLACEHOLDER, name) if env.preview.host else ""
    keys: dict[str, object] = {
        "replicas": 1,
        "url": None,
        "database_max_connections": None,
        **dict.fromkeys(("confirm", "clean_checkout", "smoke_writes"), False),
    }
    if isinstance(env, MachineEnvironment):
        own = _on_machine(env, scope, names)
    elif isinstance(env, KubernetesEnvironment):
        own = _on_cluster(env, service, scope, names, host)
    else:
        return []
    return [f"{key}={json.dumps(value)}" for key, value in {**keys, **own}.items()]


def _on_cluster(env: Environment, service: str, scope: str, names: list[str], host: str) -> dict[str, object]:
    given = env.model_dump(mode="json")
    keys: dict[str, object] = {
        "namespace": scope,
        "secret": {"name": service, "keys": names},
        **dict.fromkeys(("autoscale", "node_port", "gateway", "ingress"), None),
    }
    if host and given.get("gateway"):
        keys["gateway"] = {**given["gateway"], "host": host, "canary": []}
    elif host:
        keys["ingress"] = {**(given.get("ingress") or {}), "host": host, "tls_secret": None}
    return keys


def _on_machine(env: MachineEnvironment, scope: str, names: list[str]) -> dict[str, object]:
    image = env.preview.database_image
    return {
        "project": scope,
        "hosts": [env.hosts[0].model_dump(mode="json", exclude_none=True)],
        "secret": {"from_env": names},
        "database": {"accessory": "postgres", "version": version_of(image), "image": image},
        "proxy": {"domain": None, "http_port": FIRST_PORT + zlib.crc32(scope.encode()) % PORTS},
    }


def version_of(image: str) -> int:
    """Return the major version in the tag of a PostgreSQL image; the newest without one."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    number = tag.partition(".")[0].partition("-")[0]
    return int(number) if number.isdecimal() else 18
