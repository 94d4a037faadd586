"""One-off commands: a Job with the pod of the last good release, its lines followed to the end."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.names import fitted
from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.kubernetes.labels import LABEL, NAME_LABEL
from toolkit.deploy.places.kubernetes.pod_failures import condition, container_of, creation_sign
from toolkit.deploy.places.kubernetes.pod_verdict import Memory, classify
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

API, CONTAINER = "batch/v1", "app"
# Not LABEL: a deploy prunes Jobs with that label, and a command may run during a deploy.
RUN_LABEL = "deploy/run"
POLL_SECONDS = 0.3
TIME = re.compile(r"\d{4}-\d\d-\d\dT")
# For the Job of a killed `run`: the cluster ends it after a day, and removes it a minute after its end.
LONGEST_SECONDS, KEPT_SECONDS = 86_400, 60
# Keys of the service's container that a command does not have.
SERVING = ("args", "ports", "startupProbe", "livenessProbe", "readinessProbe", "lifecycle")


def body(deployment: Object, service: str, command: Sequence[str], *, name: str, grace: int | None = None) -> Object:
    """Return the Job: the service's container with another command, beside its sidecars. Pure.

    Its name label is not the service's, which the Service, the PodDisruptionBudget and the NetworkPolicy select.
    """
    template = deepcopy(deployment["spec"]["template"])
    pod = template["spec"]
    pod["containers"] = [
        {**{key: value for key, value in container.items() if key not in SERVING}, "command": list(command)}
        for container in pod["containers"]
        if container["name"] == CONTAINER
    ]
    pod |= {"restartPolicy": "Never"} | ({} if grace is None else {"terminationGracePeriodSeconds": grace})
    pod.pop("topologySpreadConstraints", None)
    labels = {key: value for key, value in template["metadata"].get("labels", {}).items() if key != LABEL}
    labels |= {NAME_LABEL: f"{service}-run", RUN_LABEL: service}
    annotations = {
        key: value
        for key, value in (template["metadata"].get("annotations") or {}).items()
        if not key.startswith("prometheus.io/")
    }
    return {
        "apiVersion": API,
        "kind": "Job",
        "metadata": {"name": name, "namespace": deployment["metadata"]["namespace"], "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": LONGEST_SECONDS,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod},
        },
    }


def released(place: KubernetesPlace) -> Object:
    """Return the Deployment of the last good release, from its record. Raises Failed NOT_DEPLOYED."""
    record = last_good(place.records())
    found = record.objects if record else ()
    for item in found:
        if (item["kind"], item["metadata"]["name"]) == ("Deployment", place.service):
            return item
    name = place.environment.name
    raise fail(
        "NOT_DEPLOYED",
        f"{place.service} has no release in {name} that passed its smoke test",
        hint=f"python3 tasks.py deploy {name}",
    )


@contextmanager
def started(place: KubernetesPlace, command: Sequence[str], *, grace: int | None = None) -> Iterator[str]:
    """Start the command, yield the name of its pod, and delete the Job at the end. Raises Failed if it cannot start."""
    name = fitted(place.service, f"-run-{secrets.token_hex(4)}")
    job = place.cluster.apply(body(released(place), place.service, command, name=name, grace=grace))
    try:
        yield _await_start(place, job)
    finally:
        place.cluster.delete(API, "Job", name, propagation="Background")


def follow(place: KubernetesPlace, pod: str, show: Callable[[str], None]) -> Mapping[str, Any]:
    """Show each line of the command. Returns the `terminated` state of its container. Raises Failed RUN_LOST.

    A stream may end early, without an error: it is opened again, and lines that were shown are skipped.
    """
    last = ""
    while True:
        live = place.cluster.get("v1", "Pod", pod)
        if live is None:
            hint = "run it again; `kubectl get events` shows the reason"
            raise fail("RUN_LOST", f"pod {pod} was deleted while the command was running", hint=hint)
        ended = _terminated(live)
        for line in place.cluster.log_stream(pod, CONTAINER, since=last):
            at, _, text = line.partition(" ")
            if TIME.match(at) and at > last:  # without a time it is a message of the kubelet's own
                last = at
                show(text)
        if ended:
            return ended
        time.sleep(POLL_SECONDS)


def _await_start(place: KubernetesPlace, job: Object) -> str:
    """Wait until the container runs or has ended. Raises Failed with the same verdicts as a roll-out."""
    began, memory, graces, uid = time.monotonic(), Memory(), place.environment.graces, job["metadata"]["uid"]
    while True:
        pods = place.cluster.list("v1", "Pod", f"batch.kubernetes.io/controller-uid={uid}")
        for pod in pods:
            status = container_of(pod, CONTAINER) or {}
            if status.get("state", {}).get("running") or _terminated(pod):
                return str(pod["metadata"]["name"])
        events = place.cluster.list("v1", "Event")
        refused = [] if pods else [creation_sign(events, uid, graces)]
        verdict = classify(pods, events, time.monotonic() - began, memory, graces, list(filter(None, refused)))
        memory = verdict.memory
        if failure := verdict.failure():
            raise Failed(failure)
        if time.monotonic() - began > place.environment.rollout_seconds:
            waiting = verdict.waiting or "no reason reported"
            raise fail("RUN_NOT_STARTED", "the command did not start in time", waiting, hint="run it again")
        live = place.cluster.get(API, "Job", job["metadata"]["name"]) or {}
        if not pods and condition(live, "Failed").get("status") == "True":
            raise fail(
                "RUN_LOST", f"the Job failed: {condition(live, 'Failed').get('message', '')}", hint="run it again"
            )
        time.sleep(POLL_SECONDS)


def _terminated(pod: Object) -> Mapping[str, Any] | None:
    """Return the end of the command; for a pod that was evicted before its start, one with an exit code of 1."""
    status = container_of(pod, CONTAINER) or {}
    ended: Mapping[str, Any] | None = status.get("state", {}).get("terminated")
    if ended is None and pod.get("status", {}).get("phase") == "Failed":
        return {"exitCode": 1, "reason": pod["status"].get("reason", "Failed")}
    return ended
