"""A registry client (OCI distribution specification 1.1), with Docker's log-ins and the engine's TLS settings.

Docker's command lacks some of the requests that the toolkit needs, and its `imagetools` requires TLS even where the
engine does not.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin

from toolkit.deploy.image.registry import host_of, refused
from toolkit.deploy.outcomes import Failed

SECONDS = 20
OK, BAD_REQUEST, UNAUTHORIZED = 200, 400, 401
HUB, HUB_API = "docker.io", "registry-1.docker.io"
LOOPBACK = ("127.0.0.0/8",)  # insecure registries of an engine by default


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str


class Client:
    """Client of one repository. `insecure` registries are tried without TLS, then with unverified TLS."""

    def __init__(self, repository: str, *, insecure: bool) -> None:
        self.repository = repository
        self.host, self.path = address_of(repository)
        self._schemes = ["http", "https"] if insecure else ["https"]
        self._context = ssl._create_unverified_context() if insecure else None  # noqa: S323 - as the engine does
        self._headers: dict[str, str] = {}

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request. `path` is below the repository (`/manifests/1`), or a location from a response.

        Raises Failed REGISTRY_UNREACHABLE, IMG_DENIED. The caller handles any status other than 401.
        """
        answer = self._tried(method, path, headers or {})
        if answer.status == UNAUTHORIZED and not self._headers:
            self._headers = self._authorization(answer.headers.get("WWW-Authenticate", ""))
            answer = self._tried(method, path, headers or {})
        return answer

    def refusal(self, answer: Answer) -> Failed:
        return refused(self.repository, f"{answer.status} {answer.body[:200]}")

    def _tried(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        while True:
            base = f"{self._schemes[0]}://{self.host}/v2/{self.path}"
            url = f"{base}{path}" if path.startswith(("/blobs", "/manifests")) else urljoin(base, path)
            last = len(self._schemes) == 1
            try:
                answer = self._send(method, url, {**headers, **self._headers})
            except (OSError, ValueError) as error:
                if last:
                    raise refused(self.repository, str(error)) from None
            else:
                if last or not (answer.status == BAD_REQUEST and "HTTPS" in answer.body):
                    self._schemes = self._schemes[:1]
                    return answer
            del self._schemes[0]

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        request = urllib.request.Request(url, method=method, headers=dict(headers))  # noqa: S310 - the registry's
        try:
            with urllib.request.urlopen(request, timeout=SECONDS, context=self._context) as answer:  # noqa: S310
                return Answer(answer.status, dict(answer.headers.items()), answer.read().decode(errors="replace"))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers.items()), error.read().decode(errors="replace"))

    def _authorization(self, header: str) -> dict[str, str]:
        """Return the Authorization header for the registry, from Docker's stored log-in."""
        scheme, parameters = challenge(header)
        basic = _basic(self.repository)
        if scheme != "bearer" or "realm" not in parameters:
            return basic
        query = {"service": parameters.get("service", ""), "scope": f"repository:{self.path}:pull,push"}
        try:
            answer = self._send("GET", f"{parameters['realm']}?{urlencode(query)}", basic)
        except (OSError, ValueError) as error:
            raise refused(self.repository, str(error)) from None
        if answer.status != OK:
            raise self.refusal(answer)
        found: dict[str, Any] = json.loads(answer.body)
        return {"Authorization": f"Bearer {found.get('token') or found.get('access_token')}"}


def connect(repository: str) -> Client:
    """Return a client with the engine's trust settings; without an engine, registries of this machine are insecure."""
    from toolkit.deploy.image import docker_engine

    try:
        configured: Mapping[str, Any] = docker_engine.connect().info().get("RegistryConfig") or {}
    except Failed:
        configured = {}
    host, _ = address_of(repository)
    return Client(repository, insecure=is_insecure(host, configured, _addresses(host)))


def is_insecure(host: str, configured: Mapping[str, Any], addresses: Sequence[str]) -> bool:
    """Return True if the engine uses `host` without verified TLS: by `docker info`, or its addresses. Pure."""
    known = (configured.get("IndexConfigs") or {}).get(host)
    if known is not None:
        return not known.get("Secure", True)
    networks = [ipaddress.ip_network(text) for text in configured.get("InsecureRegistryCIDRs") or LOOPBACK]
    return any(ipaddress.ip_address(text) in network for text in addresses for network in networks)


def address_of(repository: str) -> tuple[str, str]:
    """Return the host of a repository's API, and the repository's path. Pure."""
    host = host_of(repository)
    path = repository.removeprefix(f"{host}/")
    if host == HUB:
        return HUB_API, path if "/" in path else f"library/{path}"
    return host, path


def challenge(header: str) -> tuple[str, dict[str, str]]:
    """Parse scheme and parameters of WWW-Authenticate (RFC 9110, 11.6.1). Pure."""
    scheme, _, rest = header.partition(" ")
    return scheme.lower(), dict(re.findall(r'(\w+)="([^"]*)"', rest))


def _addresses(host: str) -> list[str]:
    name = re.sub(r":\d+$", "", host).strip("[]")
    try:
        return sorted({str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(name, None)})
    except OSError:
        return []  # the request will report it


def _basic(repository: str) -> dict[str, str]:
    """Return the stored log-in; Docker's configuration includes the credential helpers."""
    from docker import auth

    host = host_of(repository)
    known = auth.load_config().resolve_authconfig(None if host == HUB else host) or {}
    name, password = known.get("username") or known.get("Username"), known.get("password") or known.get("Password")
    if not name:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
