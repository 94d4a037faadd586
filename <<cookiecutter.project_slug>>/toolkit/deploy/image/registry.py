"""Images in a registry, queried with Docker's own client, which has the credentials."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from toolkit.deploy import process, program_errors
from toolkit.deploy.outcomes import Failed, fail

SCHEMA_LABEL, COMMIT_LABEL = "service.schema-head", "org.opencontainers.image.revision"
GONE_SECONDS = 20  # `history` does not wait longer for a registry
COMMIT = re.compile(r"[0-9a-f]{7,64}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def resolve(repository: str, image: str) -> str:
    """Return the digest of `sha256:...`, `repository@sha256:...`, or a tag. Raises Failed IMG_NOT_FOUND, IMG_DENIED."""
    found = DIGEST.search(image)
    if not found and (":" in image.rpartition("/")[2] or "/" in image):
        reference = image
    else:
        reference = f"{repository}@{found[0]}" if found else f"{repository}:{image}"
    digest = _inspect(reference, "{{json .Manifest}}").get("digest")
    return found[0] if found else str(digest)


@dataclass(frozen=True)
class About:
    """Metadata of an image: its labels and its platforms (linux/amd64)."""

    labels: Mapping[str, str]
    platforms: frozenset[str]

    @property
    def schema_head(self) -> str:
        """The revision that the image's code requires; empty without that label."""
        return self.labels.get(SCHEMA_LABEL, "")

    @property
    def commit(self) -> str:
        """The commit that it was built from, without the mark of uncommitted changes; empty if unknown."""
        found = COMMIT.match(self.labels.get(COMMIT_LABEL, ""))
        return found[0] if found else ""


@cache
def about(repository: str, digest: str) -> About:
    """Return an image's metadata, cached. Raises Failed IMG_NOT_FOUND, IMG_DENIED, REGISTRY_UNREACHABLE."""
    return parse_about(_inspect(f"{repository}@{digest}", "{{json .Image}}"))


def parse_about(content: Mapping[str, Any]) -> About:
    """Parse one image's configuration, or those of an index by platform, whose labels are equal. Pure."""
    images = [content] if "config" in content else [item for item in content.values() if isinstance(item, Mapping)]
    named = [item for item in images if item.get("os", "unknown") != "unknown"]  # attestations have no platform
    labels = next((item["config"].get("Labels") or {} for item in named if "config" in item), {})
    return About(labels, frozenset(f"{item['os']}/{item['architecture']}" for item in named))


def gone(images: Iterable[str]) -> frozenset[str]:
    """Return the images missing from their registry. A registry that does not answer is queried once only."""
    found: set[str] = set()
    for _, group in groupby(sorted(set(images), key=lambda image: (host_of(image), image)), host_of):
        first, *rest = group
        answer = _is_gone(first)
        if answer is None:
            continue
        with ThreadPoolExecutor(4) as pool:
            answers = [answer, *pool.map(_is_gone, rest)]
        found |= {image for image, missing in zip([first, *rest], answers, strict=True) if missing}
    return frozenset(found)


def _is_gone(image: str) -> bool | None:
    """Return True if the image is missing, None if unknown: no network, no permission, no docker."""
    try:
        _inspect(image, "{{json .Manifest}}", seconds=GONE_SECONDS)
    except Failed as error:
        return True if error.failure.code == "IMG_NOT_FOUND" else None
    return False


def _inspect(reference: str, template: str, seconds: float = 60) -> dict[str, Any]:
    command = ["docker", "buildx", "imagetools", "inspect", "--format", template, reference]
    done = process.run(command, seconds=seconds)
    if done.code == 0:
        return json.loads(done.out or "{}")
    fault = refused(reference, done.err)
    if fault.failure.code == "REGISTRY_INSECURE":
        from toolkit.deploy.image import registry_manifest

        # imagetools requires TLS, even if the engine uses the registry without it
        return registry_manifest.of_image(reference) if "Image" in template else registry_manifest.descriptor(reference)
    raise fault


def refused(reference: str, said: str) -> Failed:
    """Return the failure for a registry's error: the code from `program_errors`, else REGISTRY_UNREACHABLE. Pure."""
    host = host_of(reference)
    known = program_errors.classify(said)
    code = known.failure.code if known else ("IMG_NOT_FOUND" if "not found" in said.lower() else "REGISTRY_UNREACHABLE")
    messages = {
        "IMG_NOT_FOUND": (f"{reference} was not found in its registry", "push it, or name a digest that exists"),
        "IMG_DENIED": (f"{host} denies access to {reference}", f"docker login {host}, with an account that may use it"),
        "REGISTRY_UNREACHABLE": (
            f"the registry of {reference} returned an unexpected response",
            "check the registry's address (`image` in service.toml) and the network",
        ),
    }
    message, hint = messages.get(code) or (f"{reference}: {known.failure.message}" if known else "", "")
    hint = hint or (known.failure.hint if known else "").replace("HOST", host)
    return fail(code, message, program_errors.cause_line(said) or "no reason given", hint=hint)


def host_of(reference: str) -> str:
    """Return the registry of a reference; Docker Hub by default. Pure."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"
