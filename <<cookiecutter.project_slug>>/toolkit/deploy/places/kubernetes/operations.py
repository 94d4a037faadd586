"""Daily operations on Kubernetes: the protocol `Operations` for one namespace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Plan, fail
from toolkit.deploy.places.kubernetes import one_off, removal, rollout, set_secret, sources, tunnel
from toolkit.deploy.places.kubernetes.labels import MARK
from toolkit.deploy.places.kubernetes.retry import WriteConflict
from toolkit.deploy.places.kubernetes.template_values import process_name
from toolkit.dev import subprocesses

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.places.values import Tunnel

RESTARTED = "deploy/restarted-at"
MANAGER = "deploy-operations"
NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})


class KubernetesOperations:
    def __init__(self, place: KubernetesPlace) -> None:
        self.place = place

    def run(self, command: Sequence[str], show: Callable[[str], None]) -> int:
        with one_off.started(self.place, command) as pod:
            ended = one_off.follow(self.place, pod, show)
        if ended.get("reason") in NOT_STARTED:
            hint = "check the command; the image has only what the Dockerfile puts there"
            raise fail("START_ERROR", "the command cannot be started", str(ended.get("message", "")), hint=hint)
        if ended.get("reason") == "OOMKilled":
            self.place.report.note("killed: out of memory; raise resources.memory_limit in deploy/inventory.yaml")
        return int(ended["exitCode"])

    def shell(self) -> int:
        tunnel.require_kubectl()
        with one_off.started(self.place, tunnel.IDLE, grace=1) as pod:
            return subprocesses.run(tunnel.kubectl(self.place.environment, "exec", "-it", pod, "-c", "app", "--", "sh"))

    @contextmanager
    def database(self, port: int) -> Iterator[Tunnel]:
        tunnel.require_kubectl()
        with (
            one_off.started(self.place, tunnel.RELAY, grace=1) as pod,
            tunnel.forwarded(self.place, pod, port) as found,
        ):
            yield found

    def restart(self) -> Undo:
        """Change the pod templates' annotations; the mark is that of the variables that the new pods will read."""
        mark = sources.mark(sources.read(self.place))
        after = {RESTARTED: datetime.now(UTC).isoformat(timespec="seconds"), **({MARK: mark} if mark else {})}
        undo: list[Undo] = []
        for name in rollout.names(self.place.cluster, self.place.service):
            before = self._deployment(name)["spec"]["template"]["metadata"].get("annotations") or {}
            kept = {key: before.get(key) for key in after}
            undo.append(partial(self._patch, name, {"template": {"metadata": {"annotations": kept}}}))
            self._patch(name, {"template": {"metadata": {"annotations": after}}})

        def back() -> None:
            for step in undo:
                step()

        return back

    def autoscaler(self) -> str:
        if self.place.environment.autoscale:
            return f"`autoscale` of {self.place.environment.name} in deploy/inventory.yaml"
        for item in self.place.cluster.list("autoscaling/v2", "HorizontalPodAutoscaler"):
            target = item["spec"]["scaleTargetRef"]
            if (target["kind"], target["name"]) == ("Deployment", self.place.service):
                return f"HorizontalPodAutoscaler/{item['metadata']['name']}"
        return ""

    def scale(self, count: int, process: str = "") -> Undo:
        name = process_name(self.place.service, process) if process else self.place.service
        before = self._deployment(name)["spec"].get("replicas", 1)
        self._patch(name, {"replicas": count})
        return lambda: self._patch(name, {"replicas": before})

    def set_secret(self, name: str, value: str) -> str:
        return set_secret.set_value(self.place, name, value)

    def removal(self, *, database: bool) -> Plan:
        return removal.plan(self.place, database=database)

    def remove(self, plan: Plan) -> None:
        removal.apply(self.place, plan)

    def _deployment(self, name: str) -> Object:
        live = self.place.cluster.get("apps/v1", "Deployment", name)
        if live is None:
            one_off.released(self.place)  # names the next step
            hint = f"python3 tasks.py deploy {self.place.environment.name}"
            raise fail("NOT_DEPLOYED", f"Deployment/{name} does not exist", hint=hint)
        return live

    def _patch(self, name: str, spec: dict[str, Any]) -> None:
        """Change fields of a Deployment, and give up their ownership.

        A deploy takes a field with another owner for a change by others (DRIFT); without one it sets its own value.
        """
        while True:
            try:
                live = self.place.cluster.merge(self._deployment(name), {"spec": spec}, MANAGER)
                others = [entry for entry in live["metadata"]["managedFields"] if entry["manager"] != MANAGER]
                self.place.cluster.set_owners(live, others)
                return
            except WriteConflict:
                time.sleep(0.1)  # the controller has written the status since
