"""Keys of an environment on Amazon ECS with Fargate. Terraform owns the service; a release sets its task definition."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from toolkit.deploy.inventory.eventbridge import expression
from toolkit.deploy.inventory.pod_keys import Name
from toolkit.deploy.inventory.schema import Environment

# Sizes that Fargate has: units of CPU (1024 are one vCPU) -> MiB of memory.
SIZES = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
    8192: tuple(range(16384, 61441, 4096)),
    16384: tuple(range(32768, 122881, 8192)),
}
# Fargate's limit for `stopTimeout`, the time between SIGTERM and SIGKILL.
LONGEST_STOP = 120


def _account(value: object) -> object:
    """Read a number that YAML has made of twelve digits; one with a zero in front may be another number then."""
    return str(value) if isinstance(value, int) and len(str(value)) == ACCOUNT_DIGITS else value


ACCOUNT_DIGITS = 12
Account = Annotated[str, BeforeValidator(_account), Field(pattern=r"^\d{12}$")]
Role = Annotated[str, Field(pattern=r"^arn:[a-z-]+:iam::\d{12}:role/.+$")]


class EcsEnvironment(Environment):
    """One ECS service behind a load balancer. `account` and `region` pin where it is."""

    place: Literal["ecs"] = "ecs"
    driver: Literal["ecs"] = "ecs"
    account: Account
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    cluster: str
    service: Name
    family: Name
    # the tasks
    execution_role: Role
    task_role: Role | None = None
    cpu: int = 256
    memory: int = 512
    architecture: Literal["amd64", "arm64"] = "amd64"
    log_group: str
    # by default those of the service; for the migration, one-off commands and processes
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    # the lock and the history
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]$")]
    # with which EventBridge Scheduler may start the tasks of processes with a schedule
    scheduler_role: Role | None = None

    @model_validator(mode="after")
    def _has_a_size_of_fargate(self) -> EcsEnvironment:
        if self.cpu not in SIZES:
            raise ValueError(f"cpu: {self.cpu} is not a size of Fargate; choose {', '.join(map(str, SIZES))}")
        allowed = SIZES[self.cpu]
        if self.memory not in allowed:
            raise ValueError(
                f"memory: {self.memory} MiB is not available with cpu {self.cpu}; choose {', '.join(map(str, allowed))}"
            )
        return self

    @model_validator(mode="after")
    def _secrets_are_references(self) -> EcsEnvironment:
        if self.secret.store != "aws":
            raise ValueError(
                "secret: ECS reads secrets from AWS Secrets Manager: "
                "`secret: {store: aws, keys: {DATABASE_URL: NAME}}`, or NAME#PROPERTY"
            )
        return self

    @model_validator(mode="after")
    def _has_an_address(self) -> EcsEnvironment:
        if not self.url:
            raise ValueError("url: required; the address of the load balancer, for example https://shop.example.com")
        return self

    @model_validator(mode="after")
    def _stops_in_time(self) -> EcsEnvironment:
        if self.termination_grace > LONGEST_STOP:
            raise ValueError(
                f"drain_seconds + graceful_seconds + 10 is {self.termination_grace} s, and Fargate allows "
                f"{LONGEST_STOP} s between SIGTERM and SIGKILL; lower one of them"
            )
        return self

    @model_validator(mode="after")
    def _runs_its_processes(self) -> EcsEnvironment:
        for name, process in self.processes.items():
            where = f"processes.{name}"
            if process.resources:
                raise ValueError(f"{where}.resources: a process has `cpu` and `memory` of the service; remove the key")
            if process.grace_seconds > LONGEST_STOP:
                raise ValueError(f"{where}.grace_seconds: {process.grace_seconds}, and Fargate allows {LONGEST_STOP} s")
            if not process.schedule:
                continue
            if not self.scheduler_role:
                raise ValueError(
                    f"scheduler_role: required for {where}.schedule; a role that EventBridge Scheduler has"
                )
            try:
                expression(process.schedule)
            except ValueError as error:
                raise ValueError(f"{where}.schedule: {process.schedule!r}: {error}") from None
        return self

    @property
    def scope(self) -> str:
        return self.service

    @property
    def references_secrets(self) -> bool:
        return True
