"""Answers of ECS as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Definition = dict[str, Any]  # a task definition in the form of RegisterTaskDefinition


@dataclass(frozen=True)
class Deployment:
    """`status`: PRIMARY, ACTIVE (an older one, whose tasks still run) or INACTIVE. `rollout`: its rolloutState."""

    id: str
    status: str
    revision: str  # ARN of the task definition
    desired: int
    running: int
    rollout: str
    reason: str


@dataclass(frozen=True)
class LoadBalancer:
    target_group: str
    container: str
    port: int


@dataclass(frozen=True)
class Service:
    """`network`, `launch`: what a task needs to be started as the service does it. `configuration`: of deployments."""

    name: str
    arn: str
    status: str
    revision: str
    desired: int
    running: int
    deployments: tuple[Deployment, ...]
    events: tuple[tuple[str, str], ...]  # time (ISO 8601), message; the newest first
    load_balancers: tuple[LoadBalancer, ...]
    controller: str
    scheduling: str
    grace: int
    network: Mapping[str, Any] = field(default_factory=dict)
    launch: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    cluster: str = ""  # ARN
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def primary(self) -> Deployment | None:
        return next((item for item in self.deployments if item.status == "PRIMARY"), None)

    @property
    def breaker(self) -> tuple[bool, bool]:
        """Return if the circuit breaker is on, and if it rolls back by itself."""
        found = self.configuration.get("deploymentCircuitBreaker") or {}
        return bool(found.get("enable")), bool(found.get("rollback"))


@dataclass(frozen=True)
class Container:
    name: str
    exit_code: int | None
    reason: str


@dataclass(frozen=True)
class Task:
    """`started_by`: the deployment of a service, or what a one-off task was started with. `address`: in its subnet."""

    arn: str
    revision: str
    started_by: str
    status: str
    stop_code: str
    stopped_reason: str
    created: str
    containers: tuple[Container, ...]
    address: str = ""
    ended: str = ""

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def stopped(self) -> bool:
        return self.status == "STOPPED"

    def container(self, name: str) -> Container:
        return next((item for item in self.containers if item.name == name), Container(name, None, ""))


@dataclass(frozen=True)
class Target:
    """A task as the load balancer sees it."""

    address: str
    state: str
    reason: str = ""


@dataclass(frozen=True)
class Schedule:
    """A schedule of EventBridge that starts a task. `parameters`: EcsParameters of its target."""

    expression: str
    cluster: str  # ARN
    role: str
    parameters: Mapping[str, Any]
    enabled: bool = True


def service_of(answer: Mapping[str, Any]) -> Service:
    strategy = answer.get("capacityProviderStrategy")
    launch: dict[str, Any] = (
        {"capacityProviderStrategy": strategy} if strategy else {"launchType": answer.get("launchType") or "FARGATE"}
    )
    if answer.get("platformVersion"):
        launch["platformVersion"] = answer["platformVersion"]
    return Service(
        str(answer["serviceName"]),
        str(answer["serviceArn"]),
        str(answer["status"]),
        str(answer.get("taskDefinition", "")),
        int(answer.get("desiredCount", 0)),
        int(answer.get("runningCount", 0)),
        tuple(deployment_of(item) for item in answer.get("deployments", ())),
        tuple((str(item.get("createdAt", "")), str(item.get("message", ""))) for item in answer.get("events", ())),
        tuple(
            LoadBalancer(str(item["targetGroupArn"]), str(item.get("containerName", "")), int(item["containerPort"]))
            for item in answer.get("loadBalancers", ())
            if item.get("targetGroupArn")
        ),
        str((answer.get("deploymentController") or {}).get("type", "ECS")),
        str(answer.get("schedulingStrategy", "REPLICA")),
        int(answer.get("healthCheckGracePeriodSeconds") or 0),
        answer.get("networkConfiguration") or {},
        launch,
        answer.get("deploymentConfiguration") or {},
        str(answer.get("clusterArn", "")),
        {str(item["key"]): str(item.get("value", "")) for item in answer.get("tags", ())},
    )


def deployment_of(answer: Mapping[str, Any]) -> Deployment:
    return Deployment(
        str(answer["id"]),
        str(answer["status"]),
        str(answer.get("taskDefinition", "")),
        int(answer.get("desiredCount", 0)),
        int(answer.get("runningCount", 0)),
        str(answer.get("rolloutState", "")),
        str(answer.get("rolloutStateReason", "")),
    )


def task_of(answer: Mapping[str, Any]) -> Task:
    details = [
        detail
        for attachment in answer.get("attachments", ())
        for detail in attachment.get("details", ())
        if detail.get("name") == "privateIPv4Address"
    ]
    return Task(
        str(answer["taskArn"]),
        str(answer.get("taskDefinitionArn", "")),
        str(answer.get("startedBy", "")),
        str(answer.get("lastStatus", "")),
        str(answer.get("stopCode", "")),
        str(answer.get("stoppedReason", "")),
        str(answer.get("createdAt", "")),
        tuple(
            Container(str(item["name"]), item.get("exitCode"), str(item.get("reason", "")))
            for item in answer.get("containers", ())
        ),
        str(details[0].get("value", "")) if details else "",
        str(answer.get("stoppedAt", "")),
    )


def target_of(answer: Mapping[str, Any]) -> Target:
    health = answer.get("TargetHealth") or {}
    reason = str(health.get("Description") or health.get("Reason") or "")
    return Target(str(answer["Target"]["Id"]), str(health.get("State", "")), reason)
