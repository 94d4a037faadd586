"""Causes in the output of failed programs: the line that states the cause, and known faults with a code. Pure.

The last line is rarely the cause: it is a summary, advice, or a link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from toolkit.deploy.outcomes import Failed, fail

NOISE = re.compile(
    r"level=(warning|info|debug)|^\s*(warning|hint|note|usage|see|for more)\b|^-+$|^ ?> |^\s*$|^#\d+ DONE", re.I
)
# BuildKit's step and seconds, or a container's name
PREFIX = re.compile(r"^#\d+ (\d+\.\d+ )?|^\S+-\d+ +\| ")
ERROR = re.compile(
    r"\b(error|fatal|panic|failed|failure|denied|invalid|cannot|can't|could not|couldn't|unable)\b", re.I
)
TRACEBACK = "Traceback (most recent call last)"
LONGEST = 300


@dataclass(frozen=True)
class Cause:
    """A known fault in a line of output."""

    code: str
    pattern: re.Pattern[str]
    message: str
    hint: str


NETWORK = (
    r"no such host|name resolution|network is unreachable|no route to host|i/o timeout|TLS handshake timeout|"
    r"server misbehaving|connection refused|connection reset|context deadline exceeded|proxyconnect"
)
# In this order: the first match is the cause, the others follow from it.
CAUSES = tuple(
    Cause(code, re.compile(pattern, re.I), message, hint)
    for code, pattern, message, hint in (
        (
            "DISK_FULL",
            r"no space left on device|disk quota exceeded",
            "the engine's disk is full",
            "free some space: `docker system df` shows its use, `docker builder prune` removes old build steps",
        ),
        (
            "NO_CONTEXT",
            r"context \S+ (does not exist|not found)|: context not found",
            "the Docker context does not exist",
            "`docker context ls` lists them; `unset DOCKER_CONTEXT` or `docker context use default`",
        ),
        (
            "NO_ENGINE",
            r"cannot connect to the docker daemon|docker daemon is not running|permission denied .*docker\.sock",
            "the Docker engine does not answer",
            "start it: Docker Desktop, or `systemctl start docker`",
        ),
        (
            "RATE_LIMITED",
            r"toomanyrequests|^429\b|429 too many requests|\bstatus(?: code)?:? 429\b|pull rate limit",
            "the registry refuses further requests for now (429)",
            "log in, which raises the limit: `docker login` (of another registry: `docker login HOST`); or wait",
        ),
        (
            "REGISTRY_INSECURE",
            r"server gave HTTP response to HTTPS client|x509:|certificate signed by unknown authority",
            "the engine does not trust the registry's connection",
            "add the registry's CA to /etc/docker/certs.d/HOST/ca.crt, or HOST to `insecure-registries` of the engine",
        ),
        (
            "IMG_DENIED",
            r"\b(401|403)\b|unauthorized|access denied|^denied|: denied|access to the resource is denied|"
            r"no basic auth|forbidden",
            "the registry denies access",
            "docker login HOST, with an account that may use the image",
        ),
        (
            "IMG_NOT_FOUND",
            r"manifest unknown|name unknown|manifest for \S+ not found|\S[:@/]\S+: not found\b|No such image",
            "the image was not found in its registry",
            "correct its name or tag",
        ),
        (
            "REGISTRY_UNREACHABLE",
            rf"(?:Get|Head|Post|Put) \"?https?://.*(?:{NETWORK}|EOF)|(?:dial tcp|lookup) .*(?:{NETWORK})",
            "the registry could not be reached",
            "check the network and the engine's proxy (`docker info`), then run the command again",
        ),
    )
)


def lines_of(said: str) -> list[str]:
    """Return the lines without prefixes and noise."""
    stripped = (PREFIX.sub("", line.strip()).strip() for line in said.splitlines())
    return [line for line in stripped if line and not NOISE.search(line)]


def cause_line(said: str) -> str:
    """Return the line that states the cause: the last one of a traceback, else the first that reports an error."""
    lines = lines_of(said)
    if not lines:
        return ""
    known = next((line for cause in CAUSES for line in lines if cause.pattern.search(line)), "")
    if known or TRACEBACK in said:
        return (known or lines[-1])[:LONGEST]
    return next((line for line in lines if ERROR.search(line)), lines[-1])[:LONGEST]


def classify(said: str, what: str = "") -> Failed | None:
    """Return the known fault in the output, with its line; None without one.

    `what` failed: the first words of the message.
    """
    lines = lines_of(said)
    for cause in CAUSES:
        if line := next((line for line in lines if cause.pattern.search(line)), ""):
            message = f"{what}: {cause.message}" if what else cause.message
            return fail(cause.code, message, line[:LONGEST], hint=cause.hint)
    return None


def warnings_of(said: str) -> list[str]:
    """Return the warnings of Docker's programs (logfmt), each once."""
    found = re.findall(r'level=warning msg="((?:[^"\\]|\\.)*)"', said)
    return list(dict.fromkeys(text.replace('\\"', '"') for text in found))
