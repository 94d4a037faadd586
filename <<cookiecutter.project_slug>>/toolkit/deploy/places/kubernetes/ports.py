"""Ports in the settings (listening and outgoing), compared with those of the objects. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from toolkit.deploy.outcomes import Failure, fail

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment

# Settings with an address that the service calls. Lists are separated by commas.
CALLED = (
    "DATABASE_URL",
    "JWT_JWKS_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
DEFAULT_PORTS = {"http": 80, "https": 443, "postgres": 5432, "postgresql": 5432}
# A policy does not apply within a pod: a sidecar's port is always open.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_URL = re.compile(r"(?P<scheme>[a-z]+)(?:\+\w+)?://(?:[^/?#]*@)?(?P<hosts>[^/?#]*)[^?#]*(?:\?(?P<query>[^#]*))?", re.I)
_HOST = re.compile(r"(?P<name>\[[^]]*\]|[^:]*)(?::(?P<port>\d+))?")


def findings(env: KubernetesEnvironment) -> Iterator[Failure]:
    """Yield the findings in the inventory's settings."""
    yield from _listening(env)
    yield from closed(env, env.settings)


def check(env: KubernetesEnvironment, values: Mapping[str, str]) -> None:
    """Check values that are known later, such as those of an existing Secret. Raises Failed EGRESS."""
    found = list(closed(env, values))
    if found:
        raise fail("EGRESS", found[0].message, *(other.message for other in found[1:]), hint=found[-1].hint)


def closed(env: KubernetesEnvironment, values: Mapping[str, str]) -> Iterator[Failure]:
    """Yield a finding for each setting whose port the network policy blocks, without its value, which may be secret."""
    if not env.network_policy.enabled:
        return
    is_open = set(env.network_policy.to_ports)
    for name, port in called(values):
        if port not in env.network_policy.to_ports:
            is_open.add(port)
            hint = f"network_policy.to_ports: [{', '.join(map(str, sorted(is_open)))}]"
            yield Failure("EGRESS", f"{name} uses port {port}, which the network policy blocks", hint=hint)


def called(values: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Yield each setting with a port that the pods connect to."""
    for name in CALLED:
        yield from ((name, port) for port in sorted(ports_of(values.get(name, ""))))
    if not values.get("DATABASE_URL") and values.get("POSTGRES_SERVER", "localhost") not in LOOPBACK:
        port = values.get("POSTGRES_PORT", "").strip() or "5432"
        if port.isdecimal():
            yield "POSTGRES_PORT", int(port)


def ports_of(url: str) -> set[int]:
    """Return the ports of a URL with one or several hosts (libpq); none for a socket, this pod, or an invalid URL."""
    found = _URL.match(url.strip())
    default = DEFAULT_PORTS.get(found["scheme"].lower()) if found else None
    if found is None or default is None:
        return set()
    query = parse_qs(found["query"] or "")
    default = int(query["port"][0]) if query.get("port", [""])[0].isdecimal() else default
    hosts = found["hosts"].split(",") if found["hosts"] else query.get("host", [])
    matches = [match for host in hosts if host[:1] not in ("", "/") and (match := _HOST.fullmatch(host))]
    return {int(host["port"] or default) for host in matches if host["name"].lower() not in LOOPBACK}


def _listening(env: KubernetesEnvironment) -> Iterator[Failure]:
    given = env.settings
    if given.get("PORT", str(env.port)) != str(env.port):
        message = f"settings.PORT is {given['PORT']}, but Service, probes and network policy use `port` {env.port}"
        yield Failure("PORT", message, hint=f"port: {given['PORT']}, and no PORT in `settings`")
    if given.get("HOST", "") in (*LOOPBACK, "::1"):
        yield Failure("HOST", f"settings.HOST is {given['HOST']}: only the pod itself reaches it", hint="remove HOST")
    metrics = given.get("METRICS_PORT", "")
    if metrics and (env.metrics_port is None or env.metrics_port == env.port):
        message = f"settings.METRICS_PORT is {metrics!r}; expected a port from 1 to 65535 other than {env.port}"
        yield Failure("METRICS_PORT", message, hint="METRICS_PORT: 9000")
