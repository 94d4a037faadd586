"""Failures of the pods of a new revision, each with the time that it may last before it is fatal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.deploy.places.kubernetes.refusals import refusal_in
from toolkit.exit_codes import EX_CONFIG, SIGNALLED

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Graces

Item = Mapping[str, Any]
NOW = 0.0
# A registry's refusal; any other pull failure may be temporary.
REFUSED_PULL = re.compile(r"not found|manifest unknown|\b401\b|\b403\b|unauthorized|forbidden|denied", re.I)
GONE = frozenset({"Evicted", "Preempted", "Preempting", "NodeShutdown", "Terminated", "NodeAffinity"})
PULL = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"})
START = frozenset({"CreateContainerError", "RunContainerError", "StartError", "PostStartHookError"})
NOISE = "failed to sync"
STOPPED = frozenset({0, 137, 143})  # exit codes of a container that was stopped: its own, SIGKILL, SIGTERM
KILLED = re.compile(r"failed (?P<probe>liveness|startup) probe")  # the kubelet's event of reason "Killing"
# A controller's first attempt may precede its knowledge of a quota or an account.
LASTING_SECONDS = 3.0


@dataclass(frozen=True)
class Sign:
    """One failure of one pod: fatal after `grace` seconds."""

    code: str
    message: str
    grace: float
    pod: str = ""
    container: str = ""
    exit_code: int | None = None
    hint: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.code, self.pod, self.container)


def pod_signs(pod: Item, events: Sequence[Item], graces: Graces, texts: Mapping[str, str]) -> Iterator[Sign]:
    """Return the failures of one pod, the worst first."""
    name, status = pod["metadata"]["name"], pod.get("status", {})
    if pod["metadata"].get("deletionTimestamp") or status.get("reason") in GONE:
        return
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        yield from _container_signs(name, container, events, graces, texts)
    scheduled = condition(pod, "PodScheduled")
    scaling = any(event.get("reason") == "TriggeredScaleUp" for event in events)
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable" and not scaling:
        yield Sign(
            "UNSCHEDULABLE",
            f"no node accepts the pod: {scheduled.get('message', '')}",
            graces.unschedulable,
            name,
            hint="lower `resources`, free or add a node, or correct `tolerations`",
        )
    for event in events:
        text = event.get("message", "")
        if event.get("reason") == "FailedMount" and "not found" in text and NOISE not in text and _is_waiting(status):
            hint = "create the mounted object, or correct its name in the inventory"
            yield Sign("MOUNT_NOT_FOUND", f"a volume cannot be mounted: {text}", graces.mount, name, hint=hint)


def _container_signs(
    pod: str, container: Item, events: Sequence[Item], graces: Graces, texts: Mapping[str, str]
) -> Iterator[Sign]:
    name, restarts = container["name"], int(container.get("restartCount", 0))
    waiting = container.get("state", {}).get("waiting", {})
    reason, text = waiting.get("reason", ""), waiting.get("message", "")
    last = terminated(container)
    code = last.get("exitCode")
    if reason in ("InvalidImageName", "ErrImageNeverPull"):
        yield Sign("IMG_INVALID", f"{reason}: {text}", NOW, pod, name, hint="correct `repository` or `image`")
    elif reason in PULL:
        yield from _pull_signs(pod, name, texts.get(f"{pod}/{name}", text), events, graces)
    elif reason == "CreateContainerConfigError":
        hint = "create the ConfigMap, Secret or key named above, then deploy again"
        yield Sign("CONFIG_ERROR", f"the container cannot be configured: {text}", graces.config, pod, name, hint=hint)
    elif reason in START or code == SIGNALLED or last.get("reason") == "StartError":
        shown = text or last.get("message", "") or reason
        grace = NOW if restarts >= 3 else graces.start
        yield Sign(
            "START_ERROR",
            f"the container cannot be started: {shown}",
            grace,
            pod,
            name,
            code,
            "check the image's entrypoint",
        )
    if last.get("reason") == "OOMKilled" and (restarts >= 2 or reason == "CrashLoopBackOff"):
        hint = "raise resources.memory_limit, or find out what uses the memory"
        yield Sign("OUT_OF_MEMORY", f"killed: out of memory (restarts: {restarts})", NOW, pod, name, code, hint)
    elif restarts >= 2 or reason == "CrashLoopBackOff":
        probe = _failing_probe(name, events) if code in STOPPED else ""
        message = f"the kubelet keeps restarting the container: {probe}" if probe else "the container keeps crashing"
        hint = (
            "the service refuses its settings; correct those named in the log"
            if code == EX_CONFIG
            else "see the last lines of its log"
        )
        yield Sign("CRASH_LOOP", f"{message} (restarts: {restarts})", NOW, pod, name, code, hint)


def _failing_probe(container: str, events: Sequence[Item]) -> str:
    """Return a failure of the probe for which the kubelet kills the container, "" for none.

    A killed container ends as its program does on SIGTERM, often with exit code 0: only the events name the cause.
    """
    own = [event for event in events if f"{{{container}}}" in event.get("involvedObject", {}).get("fieldPath", "")]
    kills = (KILLED.search(event.get("message", "")) for event in own if event.get("reason") == "Killing")
    probe = next((kill["probe"] for kill in kills if kill), None)
    if probe is None:
        return ""
    failures = (event.get("message", "") for event in own if event.get("reason") == "Unhealthy")
    return next((text for text in failures if text.lower().startswith(probe)), f"its {probe} probe fails")


def _pull_signs(pod: str, name: str, text: str, events: Sequence[Item], graces: Graces) -> Iterator[Sign]:
    if REFUSED_PULL.search(text):
        attempts = sum(event_count(event) for event in events if event.get("reason") == "Pulling")
        denied = re.search(r"401|403|unauthorized|forbidden|denied", text, re.I)
        hint = (
            "check `pull_secrets` and the registry's permissions"
            if denied
            else "push the image, or deploy another digest"
        )
        # The second attempt comes 10 s after the first; if events are missing, the time is used instead.
        grace = NOW if attempts >= 2 else 25.0
        yield Sign(
            "IMG_DENIED" if denied else "IMG_NOT_FOUND",
            f"the image cannot be pulled: {text}",
            grace,
            pod,
            name,
            hint=hint,
        )
    else:
        hint = "check that the registry is running and reachable from the nodes"
        yield Sign("IMG_PULL", f"the image cannot be pulled: {text}", graces.pull, pod, name, hint=hint)


def creation_sign(events: Sequence[Item], uid: str, graces: Graces) -> Sign | None:
    """Return the newest event with the reason why a controller, such as a Job, cannot create its pods."""
    messages = [
        str(event.get("message", ""))
        for event in events
        if event.get("reason") == "FailedCreate" and event.get("involvedObject", {}).get("uid") == uid
    ]
    return refused_sign(messages[-1], graces) if messages else None


def refused_sign(text: str, graces: Graces) -> Sign:
    """Yield failures to create pods; permanent ones are fatal at once."""
    known = refusal_in(text)
    if known is None:
        hint = "correct the cause named above, then deploy again"
        return Sign("CREATE_REFUSED", f"pods cannot be created: {text}", graces.create, hint=hint)
    grace = graces.create if known.passing else min(graces.create, LASTING_SECONDS)
    return Sign(known.code, f"pods cannot be created: {text}", grace, hint=known.hint)


def controller_sign(deployment: Item, replica_set: Item | None, graces: Graces) -> Sign | None:
    """Yield failures of the Deployment to create its pods: quota, admission, pod security."""
    for owner in filter(None, (replica_set, deployment)):
        found = condition(owner, "ReplicaFailure")
        if found.get("status") == "True":
            return refused_sign(str(found.get("message", "")), graces)
    return None


def condition(item: Item, kind: str) -> Mapping[str, Any]:
    found = item.get("status", {}).get("conditions") or ()
    return next((entry for entry in found if entry.get("type") == kind), {})


def is_ready(pod: Item) -> bool:
    return condition(pod, "Ready").get("status") == "True" and not pod["metadata"].get("deletionTimestamp")


def event_count(event: Item) -> int:
    """Return the number of occurrences; the new events API leaves `count` null and counts in `series`."""
    return int(event.get("count") or (event.get("series") or {}).get("count") or 1)


def container_of(pod: Item, name: str) -> Item | None:
    """Return the status of one container of a pod; None without one."""
    found = pod.get("status", {}).get("containerStatuses", ())
    return next((status for status in found if status["name"] == name), None)


def terminated(container: Item) -> Mapping[str, Any]:
    state, last = container.get("state", {}), container.get("lastState", {})
    return state.get("terminated") or last.get("terminated") or {}


def _is_waiting(status: Item) -> bool:
    return all("waiting" in entry.get("state", {}) for entry in status.get("containerStatuses", ()))
