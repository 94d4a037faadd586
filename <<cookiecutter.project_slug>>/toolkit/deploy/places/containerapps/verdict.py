"""Verdict on a revision or an execution, from what Azure reports about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.places.traffic.verdict import KILLED, LOG, Verdict
from toolkit.exit_codes import EX_CONFIG, NOT_EXECUTABLE, NOT_FOUND

if TYPE_CHECKING:
    from toolkit.deploy.places.containerapps.state import Replica, Revision

RESTARTS = 2  # so often a container has ended before that is a verdict
MEMORY = "raise `cpu` in deploy/inventory.yaml (2 GiB of memory for each CPU), or find out what uses the memory"
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
          "Container Apps may not read the image", "grant the identity AcrPull on the registry"),
    Known("IMG_NOT_FOUND", r"MANIFEST_UNKNOWN|NAME_UNKNOWN|image' is invalid|ImagePull(BackOff|Failure)|ErrImagePull",
          "the image was not found in its registry", "push it, or name a digest that exists"),
    Known("QUOTA", r"[Qq]uota|MaxNumberOf\w+|core limit|Insufficient (cpu|memory)",
          "a limit of the environment or the subscription is reached",
          "ask Azure to raise it, or remove what is no longer needed"),
    Known("START_ERROR", r"ContainerCreateFailure|unable to start container process|executable file not found",
          "the container cannot be started", "check the image's entrypoint"),
)  # fmt: skip
_ENDED = re.compile(r"terminated with exit code '(\d+)'(?: and reason '(\w+)')?")
_BACKING_OFF = re.compile(r"CrashLoop|Back-?[Oo]ff")


def judge(
    revision: Revision | None, replicas: Sequence[Replica], events: Sequence[str], seconds: float, limit: float
) -> Verdict | None:
    """Return what is fatal; None for a revision that is ready, or may still become ready within `limit` seconds.

    `events`: lines of the system log about it, the oldest first; they may be late, or missing.
    """
    if revision is None:
        return (
            Verdict("NOT_READY", f"the revision was not created within {limit:.0f} s", "deploy again")
            if (seconds > limit)
            else None
        )
    if revision.provisioning == "Failed":
        return from_message(revision.error) or Verdict(
            "REVISION_FAILED", "Azure could not provision the revision", LOG, lines=_lines(revision.error)
        )
    if revision.is_ready:
        return None
    details = "; ".join(dict.fromkeys(replica.details for replica in replicas if replica.details))
    ended = any(replica.restarts >= RESTARTS or _BACKING_OFF.search(replica.details) for replica in replicas)
    if ended or (revision.gave_up and any(map(_ENDED.search, events))):
        return crashed(events, details)
    if revision.gave_up or seconds > limit:
        known = from_message(f"{details} {' '.join(events)}")
        reason = "Azure gave it up" if revision.gave_up else f"not ready after {limit:.0f} s"
        said = (*_lines(details), *events[-3:])
        return known or Verdict("NOT_READY", f"{reason}: /ready has not answered with 200", LOG, lines=said)
    return None


def crashed(events: Sequence[str], details: str = "") -> Verdict:
    """Return the verdict on a container that ends, by its last exit code."""
    found = [match for line in events if (match := _ENDED.search(line))]
    if not found:
        return Verdict("CRASH_LOOP", "the container has ended", LOG, lines=_lines(details))
    return by_exit(int(found[-1][1]), found[-1][2] or "", tuple(events[-3:]))


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


def exit_code_of(events: Sequence[str]) -> int | None:
    """Return the last exit code in lines of the system log."""
    found = [match for line in events if (match := _ENDED.search(line))]
    return int(found[-1][1]) if found else None


def from_message(message: str) -> Verdict | None:
    """Return the failure that a message names."""
    for known in KNOWN:
        if re.search(known.said, message, re.S):
            return Verdict(known.code, known.message, known.hint, lines=_lines(message))
    return None


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip()[:LONGEST] for line in text.splitlines() if line.strip())
