"""Daily operations on ECS: the protocol `Operations`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Plan, fail
from toolkit.deploy.places.ecs import one_off
from toolkit.deploy.places.ecs.place import not_deployed
from toolkit.deploy.places.ecs.plan import Wanted, from_kept
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.place import EcsPlace
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.places.values import Tunnel


class EcsOperations:
    def __init__(self, place: EcsPlace) -> None:
        self.place = place

    def run(self, command: Sequence[str], show: Callable[[str], None]) -> int:
        family = self.place.environment.family
        return one_off.run(self.place, self.released().revision, family, command, show)

    def shell(self) -> int:
        """Raises Failed NOT_SUPPORTED: ECS Exec needs the AWS command line with its Session Manager plugin."""
        env = self.place.environment
        tasks = self.place.calls.tasks(service=env.service)
        task = tasks[0].id if tasks else "TASK"
        raise fail(
            "NOT_SUPPORTED",
            "a shell on ECS needs ECS Exec: the AWS command line with its Session Manager plugin",
            hint=f"aws ecs execute-command --region {env.region} --cluster {env.cluster} --task {task} --container app "
            "--interactive --command sh",
        )

    @contextmanager
    def database(self, port: int) -> Iterator[Tunnel]:
        """Raises Failed NOT_SUPPORTED: a tunnel needs a host in the network, or Session Manager."""
        raise fail(
            "NOT_SUPPORTED",
            "a tunnel into the network of ECS tasks needs a host there, or AWS Session Manager",
            hint=f"run the query as a task: python3 tasks.py run {self.place.environment.name} -- COMMAND",
        )
        yield

    def restart(self) -> Undo:
        """Begin a new deployment of the same revision: ECS reads the secrets again."""
        wanted = self.released()
        self.place.release(wanted, force=True)
        return lambda: self.place.release(wanted, force=True)

    def autoscaler(self) -> str:
        return "Application Auto Scaling" if self.place.autoscaled else ""

    def scale(self, count: int, process: str = "") -> Undo:
        if process:
            raise fail("NO_SUCH_PROCESS", f"{process} does not run on ECS", hint="leave out --process")
        live, wanted = self.place.live_service(), self.released()
        self.place.release(replace(wanted, replicas=count))
        return lambda: self.place.release(replace(wanted, replicas=live.desired))

    def set_secret(self, name: str, value: str) -> str:
        """Raises Failed SECRET_ELSEWHERE: the values are in AWS Secrets Manager."""
        how = "; ".join(self.place.change_secret([name]))
        environment = self.place.environment.name
        message = f"the secrets of {environment} are kept by AWS Secrets Manager"
        raise fail("SECRET_ELSEWHERE", message, hint=f"{how}, then `python3 tasks.py deploy {environment}`")

    def removal(self, *, database: bool) -> Plan:
        """Raises Failed NOT_SUPPORTED: Terraform owns what would be removed."""
        env = self.place.environment
        raise fail(
            "NOT_SUPPORTED",
            f"the service {env.service} is created and removed by Terraform",
            hint=f"`python3 tasks.py scale {env.name} 0` stops its tasks; `terraform destroy` removes it",
        )

    def remove(self, plan: Plan) -> None:
        raise AssertionError("no removal was planned")

    def released(self) -> Wanted:
        """Return the last good release, registered. Raises Failed NOT_DEPLOYED."""
        record = last_good(self.place.records())
        if record is None or not record.objects:
            raise not_deployed(self.place)
        found = from_kept(record.objects[0])
        replicas = None  # the number of tasks stays as it is
        revision = self.place.revision_of(found.definition, found.revision)
        return self.place.registered(Wanted(found.definition, replicas, revision))
