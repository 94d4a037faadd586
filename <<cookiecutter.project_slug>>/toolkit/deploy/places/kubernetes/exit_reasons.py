"""Causes of a container's end, from its exit code, the kubelet's reason and its last lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from signal import SIGKILL, SIGTERM

from toolkit.deploy.places.kubernetes.pod_failures import Item
from toolkit.exit_codes import EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE, NOT_EXECUTABLE, NOT_FOUND, SIGNALLED

WRONG_FORMAT = "exec format error"
LOCKED = "locked for"  # output of app/db/migrations.py while a statement waits for a table


@dataclass(frozen=True)
class Reason:
    """Reason of an end. `message` may be empty: then only the last lines are known."""

    code: str
    message: str
    hint: str


WRONG_PLATFORM = Reason(
    "WRONG_PLATFORM",
    "the image is built for a different processor than the node's",
    "build it for the nodes' platform: `platforms: [linux/amd64, linux/arm64]` in deploy/inventory.yaml",
)
OUT_OF_MEMORY = Reason("OUT_OF_MEMORY", "out of memory", "raise resources.memory_limit in deploy/inventory.yaml")
BY_EXIT_CODE = {
    EX_CONFIG: Reason(
        "SETTINGS_REFUSED",
        "the service refuses its settings",
        "correct the settings named above: `settings` in deploy/inventory.yaml, or the keys of the Secret",
    ),
    EX_TEMPFAIL: Reason(
        "MIGRATION_LOCKED",
        "another migration of this database is running",
        "wait until it ends, then deploy again",
    ),
    EX_UNAVAILABLE: Reason(
        "DATABASE_UNREACHABLE",
        "the database cannot be reached",
        "check DATABASE_URL in the Secret, the database, and network policies; the lines above have the reason",
    ),
    NOT_EXECUTABLE: Reason("START_ERROR", "the image's command is not executable", "check the image's entrypoint"),
    NOT_FOUND: Reason("START_ERROR", "the image's command does not exist", "check the image's entrypoint"),
}
INTERRUPTED = Reason(
    "MIGRATION_INTERRUPTED",
    "the pod was stopped before it ended: its node was drained or lost, or the pod was evicted",
    "deploy again",
)
REVISION = "correct the revision, then deploy again; the release and its pods are unchanged"


def migration_reason(ended: Item, pod: Item, lines: Sequence[str]) -> Reason:
    """Return why the container `migrate` failed. `ended` is its `terminated` state, empty if it never ran."""
    output = " ".join((*lines, str(ended.get("message", ""))))
    code = int(ended.get("exitCode", -1))
    if WRONG_FORMAT in output:
        return WRONG_PLATFORM
    if ended.get("reason") == "OOMKilled":
        return OUT_OF_MEMORY
    if known := BY_EXIT_CODE.get(code):
        return known
    disrupted = any(entry.get("type") == "DisruptionTarget" for entry in pod.get("status", {}).get("conditions") or ())
    if (
        disrupted
        or pod.get("status", {}).get("reason") == "Evicted"
        or code in (SIGNALLED + SIGKILL, SIGNALLED + SIGTERM)
    ):
        return INTERRUPTED
    if LOCKED in output:
        hint = "a table stayed locked: find the session that holds it in pg_stat_activity, then deploy again"
        return Reason("MIGRATION_FAILED", "", hint)
    return Reason("MIGRATION_FAILED", "", REVISION)
