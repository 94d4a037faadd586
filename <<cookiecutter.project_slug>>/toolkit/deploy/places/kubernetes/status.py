"""Status of the Deployment and its pods, and their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.places.kubernetes import processes, sources, unready
from toolkit.deploy.places.kubernetes.labels import PROCESS_LABEL
from toolkit.deploy.places.kubernetes.objects import image_of
from toolkit.deploy.places.kubernetes.pod_failures import is_ready
from toolkit.deploy.places.kubernetes.pods import look
from toolkit.deploy.places.kubernetes.rollout import names
from toolkit.deploy.places.values import Instance, PlaceStatus

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace


def status(place: KubernetesPlace) -> PlaceStatus:
    view = look(place.cluster, place.service, events=False)
    deployment, cause = view.deployment or {}, unready.cause(place, view.pods)
    return PlaceStatus(
        image=image_of(deployment),
        desired=deployment.get("spec", {}).get("replicas", 0),
        ready=sum(map(is_ready, view.pods)),
        old=len(view.old),
        unready=f"{cause.pod}: {cause.reason}" if cause else "",
        stale=sources.stale(view.deployment, sources.mark(sources.read(place))),
        instances=tuple(map(_instance, (*view.pods, *view.old))),
        processes=processes.states(place),
    )


def log_lines(place: KubernetesPlace, lines: int) -> list[str]:
    """Return the newest lines of each pod of the service and its processes, each after the pod's name."""
    views = [look(place.cluster, name, events=False) for name in names(place.cluster, place.service)]
    runs = place.cluster.list("v1", "Pod", f"{PROCESS_LABEL},batch.kubernetes.io/job-name")
    output = []
    for pod in (*(pod for view in views for pod in (*view.pods, *view.old)), *runs):
        name = pod["metadata"]["name"]
        for container in pod["spec"]["containers"]:
            output += [f"{name}  {line}" for line in place.cluster.logs(name, container["name"], lines=lines)]
    return output or [f"No pod of {place.service} has logged anything in {place.environment.namespace}."]


def _instance(pod: Object) -> Instance:
    state = pod.get("status", {})
    return Instance(
        name=pod["metadata"]["name"],
        ready=is_ready(pod),
        phase=state.get("phase", "?"),
        restarts=sum(int(entry.get("restartCount", 0)) for entry in state.get("containerStatuses", ())),
        node=pod["spec"].get("nodeName", "no node"),
    )
