"""Verdict on a revision, from its conditions: of Cloud Run, and of Knative, whose names Cloud Run shares. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.places.cloudrun.state import FALSE
from toolkit.deploy.places.traffic.verdict import LOG, Verdict
from toolkit.exit_codes import EX_CONFIG, NOT_EXECUTABLE, NOT_FOUND

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.state import Revision

MEMORY = "raise resources.memory_limit in deploy/inventory.yaml, or find out what uses the memory"


@dataclass(frozen=True)
class Known:
    """A failure by the condition's reason (a pattern), or by its message."""

    code: str
    reason: str
    said: str
    message: str
    hint: str


# The first match counts: reasons of Cloud Run and Knative, then messages.
KNOWN = (
    Known("IMG_NOT_FOUND", r"ContainerMissing|ErrImagePull|ImagePullBackOff|InvalidImageName|ImageImportFailed", "",
          "the image was not found in its registry", "push it, or name a digest that exists"),
    Known("IMG_DENIED", r"ContainerPermissionDenied", "", "Cloud Run may not read the image",
          "grant its service agent roles/artifactregistry.reader on the repository"),
    Known("SECRET_NOT_FOUND", r"SecretsAccessCheckFailed|CreateContainerConfigError", "",
          "a secret does not exist, or the service's account may not read it",
          "create it in Secret Manager, and grant the account roles/secretmanager.secretAccessor on it"),
    Known("OUT_OF_MEMORY", r"OOMKilled|ExitCode137", "", "killed: out of memory", MEMORY),
    Known("OUT_OF_MEMORY", "", r"[Mm]emory limit", "killed: out of memory", MEMORY),
    Known("START_ERROR", rf"ExitCode({NOT_EXECUTABLE}|{NOT_FOUND})|StartError|RunContainerError", "",
          "the container cannot be started", "check the image's entrypoint"),
    Known("SETTINGS_REFUSED", rf"ExitCode{EX_CONFIG}", "", "the service refuses its settings",
          "correct the settings named in its log: `settings` in deploy/inventory.yaml, or the secrets"),
    Known("CRASH_LOOP", r"ExitCode\d+|CrashLoopBackOff|ContainerExited", "", "the container has ended", LOG),
    Known("CRASH_LOOP", r"HealthCheckContainerError", r"exit(ed)?\b", "the container has ended", LOG),
    Known("NOT_READY", r"HealthCheckContainerError|ProgressDeadlineExceeded|ContainerStatus", "",
          "the container runs, but /ready has not answered with 200 in time", LOG),
    Known("QUOTA", r"ResourceExhausted|ActiveRevisionLimitReached", "", "a quota of the project is used up",
          "raise it in the console, or remove what is no longer needed"),
)  # fmt: skip
# Reasons that end by themselves, such as a lack of room until an old instance has ended.
PASSING = re.compile(r"Unschedulable|MinInstances|Pending|Queued|Deploying|ResolvingDigests")
_EXIT = re.compile(r"ExitCode(\d+)|exit\((\d+)\)|exit code (\d+)")


def judge(revision: Revision | None, seconds: float, limit: float) -> Verdict | None:
    """Return what is fatal; None for a revision that is ready, or may still become ready within `limit` seconds."""
    if revision is None:
        if seconds <= limit:
            return None
        return Verdict("NOT_READY", f"the revision was not created within {limit:.0f} s", "deploy again")
    ready = revision.ready
    if ready.status == FALSE and not PASSING.search(ready.reason):
        return failed(ready.reason, ready.message)
    if seconds > limit and ready.status != "True":
        said = (ready.message,) if ready.message else ()
        return Verdict("NOT_READY", f"not ready after {limit:.0f} s", LOG, lines=said)
    return None


def failed(reason: str, message: str) -> Verdict:
    """Return the failure for a condition."""
    found = _EXIT.search(f"{reason} {message}")
    exit_code = int(next(filter(None, found.groups()))) if found else None
    lines = tuple(line for line in message.removeprefix("Container failed with: ").splitlines() if line.strip())
    for known in KNOWN:
        by_reason = not known.reason or re.search(known.reason, reason)
        by_message = not known.said or re.search(known.said, message)
        if by_reason and by_message:
            return Verdict(known.code, known.message, known.hint, exit_code, lines)
    return Verdict("REVISION_FAILED", f"the revision has failed: {reason or 'no reason given'}", LOG, exit_code, lines)
