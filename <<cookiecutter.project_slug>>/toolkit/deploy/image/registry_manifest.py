"""Image manifests in a registry, in the form of `docker buildx imagetools inspect`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from toolkit.deploy.image import registry_client
from toolkit.deploy.image.registry_client import OK, Client

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def descriptor(reference: str) -> dict[str, Any]:
    """Return `{"digest": ...}` of a tag or digest. Raises Failed IMG_NOT_FOUND, IMG_DENIED, REGISTRY_UNREACHABLE."""
    client, name = _opened(reference)
    return {"digest": _fetched(client, name)[1]}


def of_image(reference: str) -> dict[str, Any]:
    """Return the configuration of an image, or of the first one in an index. Raises as `descriptor` does."""
    client, name = _opened(reference)
    manifest, _ = _fetched(client, name)
    if listed := manifest.get("manifests"):
        manifest, _ = _fetched(client, listed[0]["digest"])
    answer = client.ask("GET", f"/blobs/{manifest['config']['digest']}")
    if answer.status != OK:
        raise client.refusal(answer)
    found: dict[str, Any] = json.loads(answer.body)
    return found


def _fetched(client: Client, name: str) -> tuple[Mapping[str, Any], str]:
    """Return a manifest and its digest."""
    answer = client.ask("GET", f"/manifests/{name}", {"Accept": ", ".join(MANIFESTS)})
    if answer.status != OK:
        raise client.refusal(answer)
    return json.loads(answer.body), f"sha256:{hashlib.sha256(answer.body.encode()).hexdigest()}"


def _opened(reference: str) -> tuple[Client, str]:
    repository, at, digest = reference.partition("@")
    if not at:
        head, _, digest = repository.rpartition(":")
        repository, digest = (head, digest) if head and "/" not in digest else (repository, "latest")
    return registry_client.connect(repository), digest
