"""Connection from an environment to its cluster: the kubeconfig's context, checked against the pin."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from toolkit.deploy.outcomes import Failed, fail

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.client import Cluster


def connect(environment: KubernetesEnvironment, *, pinned: bool = True) -> Cluster:
    """Connect. Raises Failed NO_KUBECONFIG, NO_CONTEXT, KUBECONFIG_INVALID, NO_CREDENTIALS, NO_PIN (its hint is the
    pin), and WRONG_CLUSTER, before any request.

    `pinned`: False for a caller that reports a missing pin together with other findings.
    """
    from kubernetes.client import ApiClient

    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.kubeconfig import load

    configuration = load(kubeconfig_from(), environment.context)
    configuration.retries = False  # our retries are counted, urllib3's would hide them
    if pinned or has_pin(environment):
        check_pin(environment, configuration.host, fingerprint(configuration))
    return Cluster(ApiClient(configuration), environment.namespace, environment.api_patience_seconds)


class Unconnected:
    """Placeholder for an unreachable cluster: every request raises the reason."""

    writes = 0

    def __init__(self, error: Failed | None) -> None:
        self._error = error or fail("NO_CLUSTER", "no cluster is asked here")

    @contextmanager
    def reading(self) -> Iterator[None]:
        yield

    def __getattr__(self, name: str) -> NoReturn:
        raise self._error


def has_pin(environment: KubernetesEnvironment) -> bool:
    return bool(environment.server or environment.ca_fingerprint)


def check_pin(environment: KubernetesEnvironment, server: str, ca: str | None) -> None:
    """Check the pin. Raises Failed NO_PIN or WRONG_CLUSTER. Pure."""
    if not has_pin(environment):
        raise fail(
            "NO_PIN",
            f"the inventory does not name the cluster of {environment.name!r}; the current context is {server}",
            hint=f"if that is correct, in deploy/inventory.yaml, under `{environment.name}:`, add  server: {server}",
        )
    if environment.server and environment.server.rstrip("/") != server.rstrip("/"):
        raise _wrong(environment.name, environment.server, server)
    if environment.ca_fingerprint and _plain(environment.ca_fingerprint) != _plain(ca or ""):
        raise _wrong(environment.name, environment.ca_fingerprint, ca or "no CA")


def fingerprint(configuration: Any) -> str | None:
    """Return the SHA-256 of the cluster's CA certificate, as by `openssl x509 -fingerprint -sha256`, in lower case."""
    path = configuration.ssl_ca_cert
    if not path or not Path(path).is_file():
        return None
    # The file contains certificates: they were loaded before.
    body = Path(path).read_text().split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0]
    return hashlib.sha256(base64.b64decode("".join(body.split()))).hexdigest()


def helm_arguments(environment: KubernetesEnvironment) -> list[str]:
    """Return the variables with which the helm CLI uses the same cluster."""
    return [
        "--namespace",
        environment.namespace,
        *(["--kube-context", environment.context] if environment.context else []),
    ]


def kubeconfig_from() -> str:
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def _wrong(name: str, wanted: str, found: str) -> Exception:
    return fail(
        "WRONG_CLUSTER",
        f"the current context is not the cluster of {name!r}",
        f"expected: {wanted}",
        f"found:    {found}",
        hint="`kubectl config use-context ...`, or `context:` in deploy/inventory.yaml",
    )


def _plain(fingerprint_text: str) -> str:
    return fingerprint_text.replace(":", "").lower()
