"""Tunnel to the database: a pod of the release relays connections, and `kubectl port-forward` leads to it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from toolkit.deploy import process
from toolkit.deploy.outcomes import fail
from toolkit.deploy.places import relay
from toolkit.deploy.places.values import Tunnel
from toolkit.dev import subprocesses

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

IDLE, RELAY = relay.IDLE, relay.command("127.0.0.1")
FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
START_SECONDS = 60


def kubectl(environment: KubernetesEnvironment, *arguments: str) -> list[str]:
    """Return a command on the environment's namespace, by the kubeconfig that its pin was checked against. Pure."""
    context = ["--context", environment.context] if environment.context else []
    return ["kubectl", *context, "--namespace", environment.namespace, *arguments]


def require_kubectl() -> None:
    """Check before anything is started. Raises Failed TOOL_MISSING."""
    if shutil.which("kubectl") is None:
        hint = "install kubectl and check that it is on PATH"
        raise fail("TOOL_MISSING", "kubectl is not installed; an interactive connection needs it", hint=hint)


@contextmanager
def forwarded(place: KubernetesPlace, pod: str, port: int) -> Iterator[Tunnel]:
    """Forward `port` to the relay in the pod. Raises Failed NO_DATABASE_URL, PORT_TAKEN, TUNNEL_FAILED."""
    asked = process.run(kubectl(place.environment, "exec", pod, "-c", "app", "--", *relay.URL), seconds=START_SECONDS)
    if asked.code:
        lines = place.cluster.logs(pod, "app", lines=5) or [asked.cause]
        hint = f"correct the settings, then deploy {place.environment.name}"
        raise fail("NO_DATABASE_URL", "the service does not name its database", *lines, hint=hint)
    command = kubectl(place.environment, "port-forward", "--address", "127.0.0.1", f"pod/{pod}", f"{port or ''}:5432")
    child = subprocess.Popen(  # noqa: S603 - a fixed argument list, never a shell
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=subprocesses.die_with_parent
    )
    said: list[str] = []
    reader = threading.Thread(target=_read, args=(child, said), daemon=True)
    reader.start()
    try:
        yield Tunnel(_await_port(child, said, port), asked.out.strip(), lambda: child.poll() is None)
    finally:
        subprocesses.stop(child)


def _read(child: subprocess.Popen[str], said: list[str]) -> None:
    for line in child.stdout or ():
        said.append(line.rstrip())
        if not line.startswith(("Forwarding", "Handling")):
            print(line.rstrip(), file=sys.stderr)


def _await_port(child: subprocess.Popen[str], said: list[str], port: int) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        found = next((match for line in list(said) if (match := FORWARDING.search(line))), None)
        if found:
            return int(found[1])
        time.sleep(0.05)
    if any("address already in use" in line for line in said):
        hint = "choose another one with --port, or leave it out"
        raise fail("PORT_TAKEN", f"port {port} of this machine is in use", *said, hint=hint)
    raise fail("TUNNEL_FAILED", "kubectl port-forward has ended", *said[-3:], hint="see its message above")
