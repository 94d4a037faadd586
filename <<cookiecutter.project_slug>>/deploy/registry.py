"""What the registry knows of an image, asked with Docker's own client, which has the credentials."""

from __future__ import annotations

import json
import re
from typing import Any

from deploy import process
from deploy.model import Failed, fail

SCHEMA_LABEL = "service.schema-head"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def resolve(repository: str, image: str) -> str:
    """The digest of `sha256:...`, `repository@sha256:...`, or a tag. Raises Failed IMG_NOT_FOUND, IMG_DENIED."""
    found = DIGEST.search(image)
    if not found and (":" in image.rpartition("/")[2] or "/" in image):
        reference = image
    else:
        reference = f"{repository}@{found[0]}" if found else f"{repository}:{image}"
    digest = _inspect(reference, "{{json .Manifest}}").get("digest")
    return found[0] if found else str(digest)


def schema_head(repository: str, digest: str) -> str:
    """The revision that the image's code was made for, from its label; empty when it has none."""
    return labels(repository, digest).get(SCHEMA_LABEL, "")


def labels(repository: str, digest: str) -> dict[str, str]:
    content = _inspect(f"{repository}@{digest}", "{{json .Image}}")
    if "config" not in content:  # an index of platforms: each image in it has the same labels
        content = next((image for image in content.values() if isinstance(image, dict) and "config" in image), {})
    return content.get("config", {}).get("Labels") or {}


def _inspect(reference: str, template: str) -> dict[str, Any]:
    done = process.run(["docker", "buildx", "imagetools", "inspect", "--format", template, reference], seconds=60)
    if done.code == 0:
        return json.loads(done.out or "{}")
    raise refused(reference, done.err)


def refused(reference: str, said: str) -> Failed:
    """What a registry's error means: IMG_NOT_FOUND, IMG_DENIED or REGISTRY_UNREACHABLE. Pure."""
    denied = re.search(r"\b(401|403)\b|unauthorized|denied|forbidden|no basic auth", said, re.I)
    missing = re.search(r"not found|manifest unknown|name unknown", said, re.I)
    code = "IMG_NOT_FOUND" if missing else ("IMG_DENIED" if denied else "REGISTRY_UNREACHABLE")
    hint = {
        "IMG_NOT_FOUND": "push it, or name a digest that is there",
        "IMG_DENIED": f"docker login {host_of(reference)}, with an account that may use it",
        "REGISTRY_UNREACHABLE": "check the registry's address (`image` in service.toml) and the network",
    }[code]
    lines = [line.strip() for line in said.strip().splitlines() if line.strip()]
    return fail(
        code,
        f"{reference} was not found in its registry" if missing else f"the registry of {reference} refuses or is away",
        (lines or ["no reason given"])[-1][:300],
        hint=hint,
    )


def host_of(reference: str) -> str:
    """The registry that a reference names; Docker Hub when it names none. Pure."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"
