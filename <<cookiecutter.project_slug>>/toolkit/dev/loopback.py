"""Connections to this machine bypass any proxy. Standard library only: called at the start of every task.

One place for all of them: urllib, httpx2, the SDKs of Docker and Kubernetes and external programs (docker, helm, uv)
all read NO_PROXY, so the exception is set there and not at every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

# Either spelling may be set; if both are, programs differ in which one they prefer.
NAMES = ("NO_PROXY", "no_proxy")
HOSTS = ("localhost", "127.0.0.1", "::1")


def bypass_proxy(environment: MutableMapping[str, str]) -> None:
    """Add this machine's names to the proxy exceptions in both spellings; existing ones are kept."""
    given = [part.strip() for name in NAMES for part in environment.get(name, "").split(",") if part.strip()]
    exceptions = ",".join(dict.fromkeys((*given, *HOSTS)))
    for name in NAMES:
        environment[name] = "*" if "*" in given else exceptions
