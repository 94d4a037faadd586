"""Failures by Azure's messages and by a container's exit code. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from toolkit.deploy.places.traffic.verdict import KILLED, LOG, Verdict
from toolkit.exit_codes import EX_CONFIG, NOT_EXECUTABLE, NOT_FOUND

MEMORY = "raise `cpu` (Container Apps) or `memory_gb` in deploy/inventory.yaml, or find out what uses the memory"
LONGEST = 600  # characters of a line: Azure begins with a long preamble


@dataclass(frozen=True)
class Known:
    """A failure by a pattern of Azure's message."""

    code: str
    said: str
    message: str
    hint: str


# The first match counts. The patterns are parts of messages of Azure Resource Manager and of the system log.
KNOWN = (
    Known("SECRET_NOT_FOUND", r"configuration\.secrets|[Uu]nable to (fetch|get)( value)?.*secret|secretref",
          "a secret does not exist, or the app's identity may not read it",
          "store it in the Key Vault, and grant the identity `Key Vault Secrets User` on it"),
    Known("IMG_DENIED", r"image' is invalid.*(UNAUTHORIZED|DENIED|unable to pull image using Managed identity)",
          "Azure may not read the image", "grant the identity AcrPull on the registry"),
    Known("IMG_NOT_FOUND", r"MANIFEST_UNKNOWN|NAME_UNKNOWN|image' is invalid|ImagePull(BackOff|Failure)|ErrImagePull|"
          r"is not accessible|Failed to pull image",
          "the image was not found in its registry", "push it, or name a digest that exists"),
    Known("QUOTA", r"[Qq]uota|MaxNumberOf\w+|core limit|Insufficient (cpu|memory)",
          "a limit of the environment or the subscription is reached",
          "ask Azure to raise it, or remove what is no longer needed"),
    Known("START_ERROR", r"ContainerCreateFailure|unable to start container process|executable file not found",
          "the container cannot be started", "check the image's entrypoint"),
)  # fmt: skip


def by_exit(exit_code: int, reason: str = "", lines: tuple[str, ...] = ()) -> Verdict:
    if reason == "OOMKilled" or exit_code == KILLED:
        return Verdict("OUT_OF_MEMORY", "killed: out of memory", MEMORY, exit_code, lines)
    if exit_code == EX_CONFIG:
        hint = "correct the settings named in its log: `settings` in deploy/inventory.yaml, or the secrets"
        return Verdict("SETTINGS_REFUSED", "the service refuses its settings", hint, exit_code, lines)
    if exit_code in (NOT_EXECUTABLE, NOT_FOUND) or reason == "ContainerCreateFailure":
        return Verdict(
            "START_ERROR", "the container cannot be started", "check the image's entrypoint", exit_code, lines
        )
    return Verdict("CRASH_LOOP", "the container has ended", LOG, exit_code, lines)


def from_message(message: str) -> Verdict | None:
    """Return the failure that a message names."""
    for known in KNOWN:
        if re.search(known.said, message, re.S):
            return Verdict(known.code, known.message, known.hint, lines=lines_of(message))
    return None


def lines_of(text: str) -> tuple[str, ...]:
    return tuple(line.strip()[:LONGEST] for line in text.splitlines() if line.strip())
