"""Verdict on a new revision from its pods and events. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failure
from toolkit.deploy.places.kubernetes.pod_failures import Item, Sign, is_ready, pod_signs

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Graces


@dataclass(frozen=True)
class Memory:
    """State between two checks: the time of the first occurrence of a failure, and texts that the kubelet drops."""

    first_seen: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    fatal: Sign | None
    waiting: str
    memory: Memory

    def failure(self) -> Failure | None:
        if self.fatal is None:
            return None
        sign = self.fatal
        where = " ".join(
            filter(None, (sign.pod and f"pod {sign.pod}", sign.container and f"container {sign.container}"))
        )
        ended = () if sign.exit_code is None else (f"exit code {sign.exit_code}",)
        return Failure(sign.code, sign.message, (*((where,) if where else ()), *ended), sign.hint)


def classify(
    pods: Sequence[Item],
    events: Sequence[Item],
    now: float,
    memory: Memory,
    graces: Graces,
    of_controller: Sequence[Sign] = (),
) -> Verdict:
    """Return the verdict on the pods of the NEW revision. `now` is a monotonic clock in seconds.

    A failing pod while another one of the revision is ready may be caused by its node: this has `graces.partial`.
    `of_controller`: failures of the controller that creates the pods, with their own grace.
    """
    texts = {**memory.texts, **_latched(pods)}
    signs = [sign for pod in pods for sign in pod_signs(pod, _events_of(pod, events), graces, texts)]
    signs += of_controller
    some_ready = any(is_ready(pod) for pod in pods)
    first_seen = {sign.key: memory.first_seen.get(sign.key, now) for sign in signs}
    kept = Memory(first_seen, texts)
    for sign in signs:
        grace = max(sign.grace, graces.partial) if some_ready and sign.pod else sign.grace
        if now - first_seen[sign.key] >= grace:
            return Verdict(sign, sign.message, kept)
    return Verdict(None, signs[0].message if signs else _waiting(pods, events), kept)


def _events_of(pod: Item, events: Sequence[Item]) -> list[Item]:
    uid = pod["metadata"].get("uid")
    return [event for event in events if event.get("involvedObject", {}).get("uid") == uid]


def _latched(pods: Sequence[Item]) -> dict[str, str]:
    """Return the text of a failed pull, which older kubelets replace by "Back-off pulling image" a moment later."""
    return {
        f"{pod['metadata']['name']}/{container['name']}": waiting.get("message", "")
        for pod in pods
        for container in pod.get("status", {}).get("containerStatuses", ())
        if (waiting := container.get("state", {}).get("waiting", {})).get("reason") == "ErrImagePull"
        or (waiting.get("reason") == "ImagePullBackOff" and "rror" in waiting.get("message", ""))
    }


def _waiting(pods: Sequence[Item], events: Sequence[Item]) -> str:
    """Return the progress text without a failure: the last message of a probe."""
    for pod in pods:
        probes = [event for event in _events_of(pod, events) if event.get("reason") == "Unhealthy"]
        if not is_ready(pod) and probes:
            return str(probes[-1].get("message", "")).strip()[:200]
    return ""
