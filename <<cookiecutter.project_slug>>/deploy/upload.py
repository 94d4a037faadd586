"""Whether a push would be let in, asked of the registry itself (OCI distribution specification 1.1, blob uploads)."""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urljoin

from deploy.registry import host_of, refused

SECONDS = 20
ACCEPTED, UNAUTHORIZED = 202, 401
HUB, HUB_API = "docker.io", "registry-1.docker.io"
Answer = tuple[int, Mapping[str, str], str]


def try_push(repository: str) -> None:
    """Begin an upload and call it off. Raises Failed IMG_DENIED, REGISTRY_UNREACHABLE, IMG_NOT_FOUND."""
    url = uploads_url(repository)
    headers: dict[str, str] = {}
    status, answered, body = _ask(repository, "POST", url, headers)
    if status == UNAUTHORIZED:
        headers = _authorization(repository, answered.get("WWW-Authenticate", ""))
        status, answered, body = _ask(repository, "POST", url, headers)
    if status != ACCEPTED:
        raise refused(repository, f"{status} {body[:200]}")
    _ask(repository, "DELETE", urljoin(url, answered.get("Location", "")), headers)


def uploads_url(repository: str) -> str:
    """Where an upload begins; a registry on this machine is asked without TLS, as Docker does. Pure."""
    host = host_of(repository)
    path = repository.removeprefix(f"{host}/")
    if host == HUB:
        host, path = HUB_API, path if "/" in path else f"library/{path}"
    local = host.partition(":")[0] in ("localhost", "127.0.0.1")
    return f"{'http' if local else 'https'}://{host}/v2/{path}/blobs/uploads/"


def challenge(header: str) -> tuple[str, dict[str, str]]:
    """Scheme and parameters of WWW-Authenticate (RFC 9110, 11.6.1). Pure."""
    scheme, _, rest = header.partition(" ")
    return scheme.lower(), dict(re.findall(r'(\w+)="([^"]*)"', rest))


def _authorization(repository: str, header: str) -> dict[str, str]:
    """The header that the registry asks for, made from Docker's stored log-in."""
    scheme, parameters = challenge(header)
    basic = _basic(repository)
    if scheme != "bearer" or "realm" not in parameters:
        return basic
    scope = f"repository:{uploads_url(repository).split('/v2/')[1].removesuffix('/blobs/uploads/')}:pull,push"
    query = urlencode({"service": parameters.get("service", ""), "scope": scope})
    status, _, body = _ask(repository, "GET", f"{parameters['realm']}?{query}", basic)
    if status != 200:
        raise refused(repository, f"{status} {body[:200]}")
    found: dict[str, Any] = json.loads(body)
    return {"Authorization": f"Bearer {found.get('token') or found.get('access_token')}"}


def _basic(repository: str) -> dict[str, str]:
    """Docker's configuration knows the credential helpers, too."""
    from docker import auth

    host = host_of(repository)
    known = auth.load_config().resolve_authconfig(None if host == HUB else host) or {}
    name, password = known.get("username") or known.get("Username"), known.get("password") or known.get("Password")
    if not name:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def _ask(repository: str, method: str, url: str, headers: Mapping[str, str]) -> Answer:
    request = urllib.request.Request(url, method=method, headers=dict(headers))  # noqa: S310 - the registry's address
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return answer.status, dict(answer.headers.items()), answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers.items()), error.read().decode(errors="replace")
    except (OSError, ValueError) as error:
        raise refused(repository, str(error)) from None
