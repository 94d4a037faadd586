"""Ports that the settings make the pods listen on and call, against those of the objects. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from toolkit.deploy.outcomes import Failure, fail

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment

# Settings that name an address which the service calls. Those of a list are separated by commas.
CALLED = (
    "DATABASE_URL",
    "JWT_JWKS_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
DEFAULT_PORTS = {"http": 80, "https": 443, "postgres": 5432, "postgresql": 5432}
# A policy never applies within a pod: a sidecar's port is always open.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_URL = re.compile(r"(?P<scheme>[a-z]+)(?:\+\w+)?://(?:[^/?#]*@)?(?P<hosts>[^/?#]*)[^?#]*(?:\?(?P<query>[^#]*))?", re.I)
_HOST = re.compile(r"(?P<name>\[[^]]*\]|[^:]*)(?::(?P<port>\d+))?")


def findings(env: Environment) -> Iterator[Failure]:
    """What the settings of the inventory say."""
    yield from _listening(env)
    yield from closed(env, env.settings)


def check(env: Environment, values: Mapping[str, str]) -> None:
    """Raises Failed EGRESS for values that are known only later, such as those of an existing Secret."""
    found = list(closed(env, values))
    if found:
        raise fail("EGRESS", found[0].message, *(other.message for other in found[1:]), hint=found[-1].hint)


def closed(env: Environment, values: Mapping[str, str]) -> Iterator[Failure]:
    """One for each setting whose port the network policy closes. The texts hold no value: some are secrets."""
    if not env.network_policy.enabled:
        return
    is_open = set(env.network_policy.to_ports)
    for name, port in called(values):
        if port not in env.network_policy.to_ports:
            is_open.add(port)
            hint = f"network_policy.to_ports: [{', '.join(map(str, sorted(is_open)))}]"
            yield Failure("EGRESS", f"{name} uses port {port}, which the network policy closes", hint=hint)


def called(values: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Each setting with a port that it makes the pods call."""
    for name in CALLED:
        yield from ((name, port) for port in sorted(ports_of(values.get(name, ""))))
    if not values.get("DATABASE_URL") and values.get("POSTGRES_SERVER", "localhost") not in LOOPBACK:
        port = values.get("POSTGRES_PORT", "").strip() or "5432"
        if port.isdecimal():
            yield "POSTGRES_PORT", int(port)


def ports_of(url: str) -> set[int]:
    """Ports of a URL, which may name several hosts (libpq); none for a socket, this pod, or what is not a URL."""
    found = _URL.match(url.strip())
    default = DEFAULT_PORTS.get(found["scheme"].lower()) if found else None
    if found is None or default is None:
        return set()
    query = parse_qs(found["query"] or "")
    default = int(query["port"][0]) if query.get("port", [""])[0].isdecimal() else default
    hosts = found["hosts"].split(",") if found["hosts"] else query.get("host", [])
    matches = [match for host in hosts if host[:1] not in ("", "/") and (match := _HOST.fullmatch(host))]
    return {int(host["port"] or default) for host in matches if host["name"].lower() not in LOOPBACK}


def _listening(env: Environment) -> Iterator[Failure]:
    given = env.settings
    if given.get("PORT", str(env.port)) != str(env.port):
        message = (
            f"settings.PORT is {given['PORT']}, but Service, probes and network policy use `port`, which is {env.port}"
        )
        yield Failure("PORT", message, hint=f"port: {given['PORT']}, and no PORT in `settings`")
    if given.get("HOST", "") in (*LOOPBACK, "::1"):
        yield Failure(
            "HOST", f"settings.HOST is {given['HOST']}: only the pod itself reaches it", hint="leave HOST out"
        )
    metrics = given.get("METRICS_PORT", "")
    if metrics and (env.metrics_port is None or env.metrics_port == env.port):
        message = f"settings.METRICS_PORT is {metrics!r}; expected a port from 1 to 65535 other than {env.port}"
        yield Failure("METRICS_PORT", message, hint="METRICS_PORT: 9000")
