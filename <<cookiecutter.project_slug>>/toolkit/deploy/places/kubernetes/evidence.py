"""Evidence of a failure, stored on disk before any rollback: logs, objects and events."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.deploy.places.kubernetes.objects import Object, normalised

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

LINES = 20


def folder(place: KubernetesPlace) -> Path:
    """Return the folder of a play, below `.dev/` of the checkout."""
    if place.evidence is None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        place.evidence = place.project / ".dev" / "deploy" / f"{place.environment.name}-{stamp}"
        place.evidence.mkdir(parents=True, exist_ok=True)
    return place.evidence


def save_pods(place: KubernetesPlace, pods: Sequence[Object], events: Sequence[Object]) -> Path:
    """Write each pod with its logs (also of the previous container), and all of their events."""
    kept = folder(place)
    uids = {pod["metadata"]["uid"] for pod in pods}
    for pod in pods:
        name = pod["metadata"]["name"]
        _write(kept / f"{name}.json", {**normalised(pod), "status": pod.get("status")})
        for container, previous, lines in _logs(place, pod, 1000):
            (kept / f"{name}-{container}{'-previous' if previous else ''}.log").write_text("\n".join(lines) + "\n")
    _write(
        kept / "events.json", [_event(event) for event in events if event.get("involvedObject", {}).get("uid") in uids]
    )
    return kept


def save_job(place: KubernetesPlace, job: Object) -> Path:
    pods = place.cluster.list("v1", "Pod", f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}")
    return save_pods(place, pods, place.cluster.list("v1", "Event"))


def log_of(place: KubernetesPlace, pods: Sequence[Object], name: str = "", container: str = "") -> tuple[str, ...]:
    """The last lines of the pod that failed, with those of its previous container: the present one may just have begun.

    While it waits for its restart, both are the log of the container that ended.
    """
    chosen = [pod for pod in pods if pod["metadata"]["name"] == name] or list(pods)
    for pod in chosen:
        logs = _logs(place, pod, LINES, container)
        found = {previous: lines for _, previous, lines in logs if lines}
        before, present = found.get(True, []), found.get(False, [])
        if found:
            both = present if before == present else [*before, *present]
            return tuple(f"| {line}" for line in both[-LINES:])
    return ()


def last_line(place: KubernetesPlace, pod: Object, container: str) -> str:
    lines = place.cluster.logs(pod["metadata"]["name"], container, lines=1)
    return lines[-1][:120] if lines else ""


def _logs(place: KubernetesPlace, pod: Object, lines: int, container: str = "") -> list[tuple[str, bool, list[str]]]:
    """Yield the logs of one container, or of all: its name, True for the previous run, and the lines."""
    found = []
    for status in pod.get("status", {}).get("containerStatuses", ()):
        if container and status["name"] != container:
            continue
        for previous in (False, True):
            if previous and not status.get("restartCount"):
                continue
            found.append(
                (
                    status["name"],
                    previous,
                    place.cluster.logs(pod["metadata"]["name"], status["name"], previous=previous, lines=lines),
                )
            )
    return found


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("type", "reason", "message", "count", "firstTimestamp", "lastTimestamp", "eventTime")
    return {"object": event.get("involvedObject", {}).get("name"), **{key: event.get(key) for key in keys}}


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
