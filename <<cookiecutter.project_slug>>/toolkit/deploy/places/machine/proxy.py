"""Caddy in front of the instances. Its configuration names every address that an instance may have, so that a deploy
does not touch it: a reload would close connections. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.machine import SLOTS
from toolkit.deploy.places.machine.containers import COLOURS, PROXY, content_hash, edge
from toolkit.deploy.places.machine.engine import HASH, PROJECT, ROLE

if TYPE_CHECKING:
    from toolkit.deploy.inventory.machine import MachineEnvironment

# A request with PROBE gets the address of its instance in SERVED_BY.
PROBE, SERVED_BY = "X-Deploy-Probe", "X-Served-By"
CADDYFILE = """{{
	admin off
	{https}
	servers {{
		# Longer than the idle time of the clients' own proxies, so that they close first.
		timeouts {{
			idle 5m
		}}
	}}
	log {{
		level ERROR
		exclude http.handlers.reverse_proxy.health_checker.active
	}}
}}
{site} {{
	{tls}
	@probe header {probe} *
	header @probe >{served_by} {{http.reverse_proxy.upstream.hostport}}
	header -Via
	reverse_proxy {upstreams} {{
		lb_policy round_robin
		lb_try_duration 5s
		lb_try_interval 100ms
		health_uri /ready
		health_interval 500ms
		health_timeout 3s
	}}
}}
"""


def name(project: str) -> str:
    return f"{project}-proxy"


def volume(project: str) -> str:
    """Return the volume of the certificates."""
    return f"{project}-caddy"


def address(colour: str, slot: int, port: int) -> str:
    return f"{colour}-{slot}:{port}"


def caddyfile(environment: MachineEnvironment) -> str:
    proxy = environment.proxy
    upstreams = [address(colour, slot, environment.port) for colour in COLOURS for slot in range(1, SLOTS + 1)]
    text = CADDYFILE.format(
        https="" if proxy.domain else "auto_https off",
        site=proxy.domain or ":80",
        tls="tls internal" if proxy.domain and proxy.tls == "internal" else "",
        probe=PROBE,
        served_by=SERVED_BY,
        upstreams=" ".join(upstreams),
    )
    return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"


def hash_of(environment: MachineEnvironment) -> str:
    proxy = environment.proxy
    return content_hash("\n".join((caddyfile(environment), proxy.image, str(proxy.http_port), str(proxy.https_port))))


def arguments(environment: MachineEnvironment, folder: str) -> dict[str, Any]:
    """Return the engine's arguments. `folder`: of the Caddyfile on the host."""
    project, proxy = environment.project, environment.proxy
    ports: dict[str, Any] = {"80/tcp": proxy.http_port}
    if proxy.domain:
        ports |= {"443/tcp": proxy.https_port, "443/udp": proxy.https_port}
    return {
        "image": proxy.image,
        "name": name(project),
        "labels": {PROJECT: project, ROLE: PROXY, HASH: hash_of(environment)},
        "networks": {edge(project): [PROXY]},
        "ports": [tuple(port.split("/")) for port in ports],
        "host": {
            "binds": [f"{folder}:/etc/caddy:ro", f"{volume(project)}:/data"],
            "port_bindings": ports,
            "restart_policy": {"Name": "unless-stopped"},
            "cap_drop": ["ALL"],
            "cap_add": ["NET_BIND_SERVICE"],
            "security_opt": ["no-new-privileges"],
            "read_only": True,
            "tmpfs": {"/config": ""},
            "log_config": {"type": "json-file", "config": {"max-size": "10m", "max-file": "5"}},
        },
    }
