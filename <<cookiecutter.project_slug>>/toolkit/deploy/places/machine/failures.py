"""Failures of a host's Docker engine, from its messages. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from toolkit.deploy import program_errors
from toolkit.deploy.outcomes import Failed, fail


@dataclass(frozen=True)
class Known:
    code: str
    pattern: re.Pattern[str]
    message: str
    hint: str


# Before those of `program_errors`, which know the engines of builds and registries.
KNOWN = tuple(
    Known(code, re.compile(pattern, re.I), message, hint)
    for code, pattern, message, hint in (
        (
            "PORT_TAKEN",
            r"port is already allocated|address already in use",
            "another program on the host has taken the port",
            "stop it (`ss -ltnp` on the host shows it), or choose another port: `proxy: {http_port: 8080}`",
        ),
        (
            "DISK_FULL",
            r"no space left on device|disk quota exceeded",
            "the host's disk is full",
            "free some space there: `docker system df` shows its use, `docker image prune --all` removes old images",
        ),
        (
            "WRONG_PLATFORM",
            r"exec format error|no matching manifest for",
            "the image is built for a different processor than the host's",
            "build it for the host's platform: `platforms: [linux/amd64]` in deploy/inventory.yaml",
        ),
        (
            "START_ERROR",
            r"executable file not found|OCI runtime create failed|failed to create (shim )?task",
            "the container cannot be started",
            "check the image's entrypoint",
        ),
        (
            "IMG_NOT_FOUND",
            r"manifest (unknown|for .* not found)|no such image|not found: manifest|repository does not exist",
            "the image was not found in its registry",
            "push it, or name a digest that exists",
        ),
        (
            "ENGINE_DENIED",
            r"permission denied .*docker|connect: permission denied",
            "your account may not use Docker there",
            "add it to the group `docker` on the host: `sudo usermod --append --groups docker USER`, and connect again",
        ),
    )
)


def engine_failure(host: str, said: str, image: str = "") -> Failed:
    """Return the failure for an engine's message; ENGINE_ERROR for an unknown one."""
    line = program_errors.cause_line(said) or said.strip()[: program_errors.LONGEST] or "no reason given"
    for known in KNOWN:
        if known.pattern.search(said):
            return fail(known.code, f"{host}: {known.message}", line, hint=known.hint)
    if found := program_errors.classify(said):
        hint = found.failure.hint.replace("HOST", image.partition("/")[0] or "HOST")
        return fail(found.failure.code, f"{host}: {found.failure.message}", line, hint=hint)
    hint = f"`docker info` on {host} shows whether the engine runs"
    return fail("ENGINE_ERROR", f"the Docker engine of {host} reports an error", line, hint=hint)
