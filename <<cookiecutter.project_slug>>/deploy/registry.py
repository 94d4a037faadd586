"""What the registry knows of an image, asked with Docker's own client, which has the credentials."""

from __future__ import annotations

import json
import re
from typing import Any

from deploy import causes, process
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
    fault = refused(reference, done.err)
    if fault.failure.code == "REGISTRY_INSECURE":
        from deploy import manifest

        # imagetools requires TLS, also of a registry that the engine reaches without
        return manifest.of_image(reference) if "Image" in template else manifest.descriptor(reference)
    raise fault


def refused(reference: str, said: str) -> Failed:
    """What a registry's error means: the code that `causes` knows for it, else REGISTRY_UNREACHABLE. Pure."""
    host = host_of(reference)
    known = causes.classify(said)
    code = known.failure.code if known else ("IMG_NOT_FOUND" if "not found" in said.lower() else "REGISTRY_UNREACHABLE")
    messages = {
        "IMG_NOT_FOUND": (f"{reference} was not found in its registry", "push it, or name a digest that exists"),
        "IMG_DENIED": (f"{host} denies access to {reference}", f"docker login {host}, with an account that may use it"),
        "REGISTRY_UNREACHABLE": (
            f"the registry of {reference} does not answer as it should",
            "check the registry's address (`image` in service.toml) and the network",
        ),
    }
    message, hint = messages.get(code) or (f"{reference}: {known.failure.message}" if known else "", "")
    hint = hint or (known.failure.hint if known else "").replace("HOST", host)
    return fail(code, message, causes.cause_line(said) or "no reason given", hint=hint)


def host_of(reference: str) -> str:
    """The registry that a reference names; Docker Hub when it names none. Pure."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"
