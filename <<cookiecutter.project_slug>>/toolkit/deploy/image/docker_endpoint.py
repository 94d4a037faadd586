"""The Docker engine of the `docker` command, so that the SDK uses the same one.

The order is the command's own: DOCKER_HOST, DOCKER_CONTEXT, `docker context use`, the default socket.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from toolkit.deploy.outcomes import Failed, fail

DEFAULT = "default"
SOCKETS = ("unix", "npipe", "fd", "http+unix")


@dataclass(frozen=True)
class Endpoint:
    """An engine's address (empty: the default socket), and the setting that it comes from."""

    address: str
    source: str

    @property
    def is_local(self) -> bool:
        """Return True if the engine runs on this machine, as far as its address shows."""
        url = urlsplit(self.address)
        return not self.address or url.scheme in SOCKETS or _is_loopback(url.hostname or "")

    def __str__(self) -> str:
        return f"{self.address or 'the default socket'} ({self.source})"


def resolve(variables: Mapping[str, str] = os.environ) -> Endpoint:
    """Find the engine. Raises Failed NO_CONTEXT for a missing context, ENGINE_UNSUPPORTED for an SSH address."""
    if host := variables.get("DOCKER_HOST"):
        return _supported(Endpoint(host, "DOCKER_HOST"))
    from docker.context import ContextAPI
    from docker.context.config import get_current_context_name

    chosen = variables.get("DOCKER_CONTEXT")
    name = chosen or get_current_context_name() or DEFAULT
    source = f"context {name}, " + ("DOCKER_CONTEXT" if chosen else "docker context use")
    if name == DEFAULT:
        return Endpoint("", "the default")
    try:
        context = ContextAPI.get_context(name)
    except Exception as error:  # the SDK raises a bare Exception for a damaged file
        raise _no_context(name, source, str(error)) from None
    if context is None:
        raise _no_context(name, source)
    return _supported(Endpoint(context.Host or "", source))


def require_local(found: Endpoint, task: str) -> None:
    """Require a local engine, which mounts the folder and publishes the ports. Raises Failed ENGINE_REMOTE."""
    if not found.is_local:
        raise fail(
            "ENGINE_REMOTE",
            f"`{task}` requires a Docker engine on this machine, to mount this folder and publish ports on 127.0.0.1",
            f"docker uses {found}",
            hint=_back_to_default(found),
        )


def _supported(found: Endpoint) -> Endpoint:
    if urlsplit(found.address).scheme == "ssh":
        target = found.address.removeprefix("ssh://")
        raise fail(
            "ENGINE_UNSUPPORTED",
            "Docker engines at ssh:// are not supported; use a socket or TCP",
            f"docker uses {found}",
            hint=f"{_back_to_default(found)}; or forward its socket: "
            f"ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock {target} & export DOCKER_HOST=unix:///tmp/engine.sock",
        )
    return found


def _no_context(name: str, source: str, *evidence: str) -> Failed:
    hint = "unset DOCKER_CONTEXT" if source.endswith("DOCKER_CONTEXT") else "docker context use default"
    return fail(
        "NO_CONTEXT",
        f"the Docker context {name!r} does not exist ({source.partition(', ')[2]})"
        if not evidence
        else f"the Docker context {name!r} cannot be read",
        *evidence,
        hint=f"{hint} (`docker context ls` lists them)",
    )


def _back_to_default(found: Endpoint) -> str:
    if found.source == "DOCKER_HOST":
        return "unset DOCKER_HOST"
    return "unset DOCKER_CONTEXT" if found.source.endswith("DOCKER_CONTEXT") else "docker context use default"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
