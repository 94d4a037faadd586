"""The calls of ECS and its neighbours that a deploy needs, typed. Members raise Failed, as `errors` explains it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from toolkit.deploy.places.ecs import errors
from toolkit.deploy.places.ecs.client import AwsError
from toolkit.deploy.places.ecs.values import Service, Target, Task, service_of, target_of, task_of

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.client import Client
    from toolkit.deploy.places.ecs.values import Definition

Network = Mapping[str, Any]
# DescribeTasks takes at most so many.
AT_ONCE = 100
NOT_FOUND = (
    "ClusterNotFoundException",
    "NoSuchBucket",
    "NoSuchEntity",
    "NoSuchEntityException",
    "NoSuchKey",
    "404",
    "ResourceNotFoundException",
    "ServiceNotFoundException",
    "TargetGroupNotFound",
)


@contextmanager
def explained() -> Iterator[None]:
    """Turn AwsError into Failed."""
    try:
        yield
    except AwsError as error:
        raise errors.explained(error) from None


class Calls:
    """`cluster`: of the environment."""

    def __init__(self, client: Client, cluster: str) -> None:
        self.client, self.cluster = client, cluster

    def read(self, service: str, operation: str, /, **parameters: object) -> dict[str, Any]:
        with explained():
            return self.client.read(service, operation, **parameters)

    def found(self, service: str, operation: str, /, **parameters: object) -> dict[str, Any] | None:
        """Return the answer; None if there is no such thing."""
        try:
            return self.client.read(service, operation, **parameters)
        except AwsError as error:
            if error.code in NOT_FOUND:
                return None
            raise errors.explained(error) from None

    def change(self, operation: str, /, **parameters: object) -> dict[str, Any]:
        with explained():
            return self.client.change("ecs", operation, **parameters)

    # services

    def service(self, name: str) -> Service | None:
        """Return a service; None if it does not exist, or was deleted."""
        answer = self.found("ecs", "describe_services", cluster=self.cluster, services=[name], include=["TAGS"])
        listed = [service_of(item) for item in (answer or {}).get("services", ())]
        return next((item for item in listed if item.status != "INACTIVE"), None)

    def update(self, name: str, /, **parameters: object) -> Service:
        return service_of(self.change("update_service", cluster=self.cluster, service=name, **parameters)["service"])

    def create(self, name: str, /, **parameters: object) -> Service:
        made = self.change("create_service", cluster=self.cluster, serviceName=name, **parameters)
        return service_of(made["service"])

    # task definitions

    def definition(self, revision: str) -> tuple[Definition, bool]:
        """Return a task definition with its tags, and whether it may still be used."""
        answer = self.read("ecs", "describe_task_definition", taskDefinition=revision, include=["TAGS"])
        return {**answer["taskDefinition"], "tags": answer.get("tags", [])}, answer["taskDefinition"].get(
            "status"
        ) == "ACTIVE"

    def newest_revision(self, family: str) -> str:
        """Return the ARN of the newest active revision; empty without any."""
        answer = self.read("ecs", "list_task_definitions", familyPrefix=family, sort="DESC", maxResults=1)
        listed = [str(arn) for arn in answer.get("taskDefinitionArns", ())]
        return next((arn for arn in listed if arn.rpartition("/")[2].rpartition(":")[0] == family), "")

    def register(self, definition: Definition) -> str:
        """Register a task definition. Returns the ARN of its revision."""
        return str(self.change("register_task_definition", **definition)["taskDefinition"]["taskDefinitionArn"])

    # tasks

    def tasks(self, *, stopped: bool = False, service: str = "", started_by: str = "", family: str = "") -> list[Task]:
        """Return tasks of a service, of a family, or started with a mark. ECS lists stopped ones for about an hour."""
        given = {"serviceName": service, "startedBy": started_by, "family": family}
        chosen: dict[str, object] = {key: value for key, value in given.items() if value}
        arns: list[str] = []
        token: dict[str, object] = {}
        while True:
            status = "STOPPED" if stopped else "RUNNING"
            answer = self.read("ecs", "list_tasks", cluster=self.cluster, desiredStatus=status, **chosen, **token)
            arns += answer.get("taskArns", ())
            if not answer.get("nextToken"):
                break
            token = {"nextToken": answer["nextToken"]}
        return self.described(arns)

    def described(self, arns: Sequence[str]) -> list[Task]:
        found: list[Task] = []
        for start in range(0, len(arns), AT_ONCE):
            some = list(arns[start : start + AT_ONCE])
            answer = self.read("ecs", "describe_tasks", cluster=self.cluster, tasks=some)
            found += [task_of(item) for item in answer.get("tasks", ())]
        return found

    def run_task(self, revision: str, **parameters: object) -> tuple[Task | None, str]:
        """Start a task. Returns it, or None with the reason why it cannot be placed."""
        answer = self.change("run_task", cluster=self.cluster, taskDefinition=revision, count=1, **parameters)
        failures = "; ".join(
            f"{item.get('reason', '')} {item.get('detail', '')}".strip() for item in answer.get("failures", ())
        )
        started = answer.get("tasks", ())
        return (task_of(started[0]) if started else None), failures

    def stop_task(self, arn: str, reason: str) -> None:
        self.change("stop_task", cluster=self.cluster, task=arn, reason=reason)

    # what is around them

    def targets(self, group: str) -> list[Target]:
        """Return the load balancer's view of each task; empty if it may not be read."""
        try:
            answer = self.client.read("elbv2", "describe_target_health", TargetGroupArn=group)
        except AwsError as error:
            if error.code in (*errors.DENIED, *NOT_FOUND):
                return []
            raise errors.explained(error) from None
        return [target_of(item) for item in answer.get("TargetHealthDescriptions", ())]

    def log_lines(self, group: str, stream: str, lines: int) -> list[str]:
        """Return the newest lines of a log stream; empty without any."""
        answer = self.found(
            "logs", "get_log_events", logGroupName=group, logStreamName=stream, limit=lines, startFromHead=False
        )
        return [str(item.get("message", "")).rstrip("\n") for item in (answer or {}).get("events", ())]

    def follow(self, group: str, stream: str, ended: Callable[[], bool]) -> Iterator[str]:
        """Yield the lines of a log stream from its start, until `ended` and nothing more comes."""
        token: dict[str, object] = {}
        while True:
            last = ended()
            answer = self.found(
                "logs", "get_log_events", logGroupName=group, logStreamName=stream, startFromHead=True, **token
            )
            events = (answer or {}).get("events", ())
            yield from (str(item.get("message", "")).rstrip("\n") for item in events)
            if answer:
                token = {"nextToken": answer["nextForwardToken"]}
            if last and not events:
                return

    def scaled(self, services: Sequence[str]) -> frozenset[str]:
        """Return those services whose number of tasks is set by Application Auto Scaling."""
        prefix = f"service/{self.cluster}/"
        answer = self.read(
            "application-autoscaling",
            "describe_scalable_targets",
            ServiceNamespace="ecs",
            ResourceIds=[prefix + name for name in services],
            ScalableDimension="ecs:service:DesiredCount",
        )
        return frozenset(str(item["ResourceId"]).removeprefix(prefix) for item in answer.get("ScalableTargets", ()))
