"""Causes of a container's end, from its exit code, the kubelet's reason and its last lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from signal import SIGKILL, SIGTERM

from toolkit.deploy.places import migration_failures
from toolkit.deploy.places.kubernetes.pod_failures import Item
from toolkit.exit_codes import EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE, SIGNALLED

WRONG_FORMAT = "exec format error"


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
    EX_CONFIG: Reason(*migration_failures.settings_refused("the keys of the Secret")),
    EX_TEMPFAIL: Reason(*migration_failures.LOCKED),
    EX_UNAVAILABLE: Reason(
        *migration_failures.unreachable(
            "check DATABASE_URL in the Secret, the database, and network policies; the lines above have the reason"
        )
    ),
    **{code: Reason(*cause) for code, cause in migration_failures.START_ERRORS.items()},
}
INTERRUPTED = Reason(
    "MIGRATION_INTERRUPTED",
    "the pod was stopped before it ended: its node was drained or lost, or the pod was evicted",
    "deploy again",
)


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
    return Reason(*migration_failures.of_lines([output], "the release and its pods are unchanged"))
