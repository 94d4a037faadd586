"""What the pods of a new revision say about its fate. Pure: pods and events in, a verdict out."""

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
    """What has to be remembered between two looks: when a sign was first seen, and texts that the kubelet loses."""

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
    """Judge the pods of the NEW revision. `now` is any clock that only goes forward, in seconds.

    One pod in trouble while another one of the revision is ready may be its node's fault: that has `graces.partial`.
    `of_controller`: signs of what creates the pods, which have their grace whatever the pods do.
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
    """The text of a failed pull, which older kubelets replace by "Back-off pulling image" a moment later."""
    return {
        f"{pod['metadata']['name']}/{container['name']}": waiting.get("message", "")
        for pod in pods
        for container in pod.get("status", {}).get("containerStatuses", ())
        if (waiting := container.get("state", {}).get("waiting", {})).get("reason") == "ErrImagePull"
        or (waiting.get("reason") == "ImagePullBackOff" and "rror" in waiting.get("message", ""))
    }


def _waiting(pods: Sequence[Item], events: Sequence[Item]) -> str:
    """What there is to say while nothing is wrong: the last thing that a probe said."""
    for pod in pods:
        probes = [event for event in _events_of(pod, events) if event.get("reason") == "Unhealthy"]
        if not is_ready(pod) and probes:
            return str(probes[-1].get("message", "")).strip()[:200]
    return ""
