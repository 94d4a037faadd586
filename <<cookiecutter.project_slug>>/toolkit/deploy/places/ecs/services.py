"""The services and schedules of an environment: read as they are, and made those of a release.

Terraform owns the service itself. A worker is a service of the toolkit's, and a scheduled command a schedule.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.ecs import plan, prerequisites, schedules

if TYPE_CHECKING:
    from toolkit.deploy.inventory.ecs import EcsEnvironment
    from toolkit.deploy.outcomes import Change
    from toolkit.deploy.places.ecs.calls import Calls
    from toolkit.deploy.places.ecs.plan import Wanted
    from toolkit.deploy.places.ecs.values import Schedule, Service

SERVICE_TAG, PROCESS_TAG = "deploy.service", "deploy.process"


@dataclass(frozen=True)
class Live:
    """`workers`, `schedules`: by process."""

    web: Service
    workers: Mapping[str, Service] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    def revision(self, wanted: Wanted) -> str:
        """Return the revision that runs now in the place of `wanted`; empty without one."""
        if wanted.kind == plan.SCHEDULED:
            live = self.schedules.get(wanted.process)
            return str(live.parameters.get("TaskDefinitionArn", "")) if live else ""
        service = self.workers.get(wanted.process) if wanted.process else self.web
        return service.revision if service else ""


class Services:
    """`deployments`: name of a service -> id of the deployment that this process has begun."""

    def __init__(self, calls: Calls, environment: EcsEnvironment) -> None:
        self.calls, self.environment = calls, environment
        self.deployments: dict[str, str] = {}

    def name_of(self, process: str) -> str:
        return f"{self.environment.service}-{process}" if process else self.environment.service

    def web(self) -> Service:
        """Return the service. Raises Failed SERVICE_NOT_FOUND, or CLUSTER_NOT_FOUND."""
        found = self.calls.service(self.environment.service)
        if found is None:
            missing = prerequisites.cluster(self.calls, self.environment)
            problem = missing or prerequisites.service(self.environment, None)
            assert problem is not None  # noqa: S101 - for the type checker
            raise Failed(problem)
        return found

    def read(self, processes: Collection[str]) -> Live:
        """Return the service, and what there is of these processes. Raises Failed SERVICE_NOT_OURS."""
        workers, found = {}, {}
        for process in sorted(processes):
            name = self.name_of(process)
            if service := self.calls.service(name):
                self._require_ours(service)
                workers[process] = service
            if schedule := schedules.read(self.calls, name):
                found[process] = schedule
        return Live(self.web(), workers, found)

    def _require_ours(self, service: Service) -> None:
        if service.tags.get(SERVICE_TAG) != self.environment.service:
            raise fail(
                "SERVICE_NOT_OURS",
                f"the service {service.name} of the cluster was not made by a release",
                hint="choose another name for the process in deploy/inventory.yaml, or delete that service",
            )

    def network(self, web: Service) -> dict[str, Any]:
        """Return the network of a task beside the service: the service's own, unless the inventory has another."""
        given = dict(web.network.get("awsvpcConfiguration") or {})
        if self.environment.subnets:
            given["subnets"] = list(self.environment.subnets)
        if self.environment.security_groups:
            given["securityGroups"] = list(self.environment.security_groups)
        return {"awsvpcConfiguration": given} if given else {}

    def changes(self, live: Live, release: Sequence[Wanted]) -> list[Change]:
        """Return what `put` does, for people."""
        workers, scheduled = self._workers(release), self._scheduled(live.web, release)
        found = [change for item in release if not item.process for change in plan.changes(live.web, item)]
        for process in sorted({*live.workers, *workers}):
            name = self.name_of(process)
            found += plan.changes_of_worker(name, live.workers.get(process), workers.get(process))
        for process in sorted({*live.schedules, *scheduled}):
            name = self.name_of(process)
            found += plan.changes_of_schedule(name, live.schedules.get(process), scheduled.get(process))
        return found

    def put(self, live: Live, release: Sequence[Wanted], *, force: bool = False) -> None:
        """Make this release run, and nothing else. `force`: replace every task, also those of the same revision."""
        workers, scheduled = self._workers(release), self._scheduled(live.web, release)
        for item in release:
            if not item.process:
                self.update(live.web, item, force=force)
        for process, wanted in workers.items():
            if service := live.workers.get(process):
                self.update(service, wanted, force=force)
            else:
                self._create(live.web, wanted)
        for process, schedule in scheduled.items():
            before = live.schedules.get(process)
            if schedule != before:
                schedules.write(self.calls, self.name_of(process), schedule, exists=before is not None)
        self.delete(live, kept={*workers}, scheduled={*scheduled})

    def update(self, service: Service, wanted: Wanted, *, force: bool = False) -> None:
        """Let a service run this. Its own answer names the deployment that a watch follows."""
        given = plan.parameters(service, wanted)
        if force:
            given["forceNewDeployment"] = True
        if given:
            self._follow(self.calls.update(service.name, **given))

    def delete(self, live: Live, *, kept: Collection[str] = (), scheduled: Collection[str] = ()) -> None:
        """Delete the workers and schedules of other processes."""
        for process in sorted({*live.schedules} - {*scheduled}):
            schedules.delete(self.calls, self.name_of(process))
        for process in sorted({*live.workers} - {*kept}):
            self.calls.change("delete_service", cluster=self.calls.cluster, service=self.name_of(process), force=True)

    def _create(self, web: Service, wanted: Wanted) -> None:
        tags = {SERVICE_TAG: self.environment.service, PROCESS_TAG: wanted.process}
        network = self.network(web)
        answer = self.calls.create(
            self.name_of(wanted.process),
            taskDefinition=wanted.revision,
            desiredCount=1 if wanted.replicas is None else wanted.replicas,
            deploymentConfiguration={
                "deploymentCircuitBreaker": plan.BREAKER,
                "maximumPercent": 200,
                "minimumHealthyPercent": 100,
            },
            propagateTags="TASK_DEFINITION",
            tags=[{"key": key, "value": value} for key, value in tags.items()],
            **({"networkConfiguration": network} if network else {}),
            **web.launch,
        )
        self._follow(answer)

    def _follow(self, service: Service) -> None:
        self.deployments[service.name] = service.primary.id if service.primary else ""

    def _workers(self, release: Sequence[Wanted]) -> dict[str, Wanted]:
        return {item.process: item for item in release if item.kind == plan.WORKER}

    def _scheduled(self, web: Service, release: Sequence[Wanted]) -> dict[str, Schedule]:
        network, role = self.network(web), self.environment.scheduler_role or ""
        return {
            item.process: schedules.wanted_schedule(item, web, network, role)
            for item in release
            if item.kind == plan.SCHEDULED
        }
