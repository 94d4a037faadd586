"""Daily operations on ECS: the protocol `Operations`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Plan, fail
from toolkit.deploy.places.ecs import definition, one_off
from toolkit.deploy.places.ecs.place import not_deployed
from toolkit.deploy.places.ecs.plan import Wanted
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.place import EcsPlace
    from toolkit.deploy.places.ecs.services import Live
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.places.values import Tunnel
    from toolkit.deploy.records import ReleaseRecord


class EcsOperations:
    def __init__(self, place: EcsPlace) -> None:
        self.place = place

    def run(self, command: Sequence[str], show: Callable[[str], None]) -> int:
        family = self.place.environment.family
        return one_off.run(self.place, self._current(), family, command, show)

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
        """Begin new deployments of the release, with the newest versions of its secrets."""
        place, live = self.place, self.place.releases.live()
        released, found = place.releases.recorded(self._record(), live), place.releases.references
        kept = [replace(item, replicas=None) for item in released]  # the numbers of tasks stay as they are
        renewed = [
            replace(item, definition=definition.with_references(item.definition, found.values, found.mark))
            for item in kept
        ]
        self._put(renewed, live)
        return lambda: self._put(kept, place.releases.live())

    def _put(self, release: Sequence[Wanted], live: Live) -> None:
        known = self.place.releases.known(release, live)
        self.place.releases.services.put(live, tuple(map(self.place.releases.revisions.registered, known)), force=True)

    def autoscaler(self) -> str:
        return "Application Auto Scaling" if self.place.environment.service in self.place.releases.autoscaled else ""

    def scale(self, count: int, process: str = "") -> Undo:
        self._record()
        services = self.place.releases.services
        live = self.place.calls.service(services.name_of(process))
        if live is None:
            name = self.place.environment.name
            hint = f"python3 tasks.py deploy {name}"
            raise fail("NOT_DEPLOYED", f"the worker {process} is not deployed to {name}", hint=hint)
        if live.name in self.place.releases.autoscaled:
            hint = "set its minimum and maximum there"
            raise fail(
                "AUTOSCALED", f"the number of tasks of {live.name} is set by Application Auto Scaling", hint=hint
            )

        def to(number: int) -> None:
            services.update(live, Wanted({}, number, live.revision, process))

        to(count)
        return lambda: to(live.desired)

    def set_secret(self, name: str, value: str) -> str:
        """Raises Failed SECRET_ELSEWHERE: the values are in AWS Secrets Manager."""
        how = "; ".join(self.place.change_secret([name]))
        environment = self.place.environment.name
        message = f"the secrets of {environment} are kept by AWS Secrets Manager"
        raise fail("SECRET_ELSEWHERE", message, hint=f"{how}, then `python3 tasks.py deploy {environment}`")

    def removal(self, *, database: bool) -> Plan:
        """Return what a release has made. Terraform owns the service itself, which is left without tasks.

        Raises Failed DATABASE_NOT_OURS.
        """
        place, live = self.place, self.place.releases.live()
        if database:
            hint = "remove it where it runs; leave out --database"
            raise fail(
                "DATABASE_NOT_OURS", f"the toolkit does not run the database of {place.environment.name}", hint=hint
            )
        services = place.releases.services
        found = [Change("delete", f"schedule {services.name_of(process)}") for process in sorted(live.schedules)]
        found += [Change("delete", f"service {services.name_of(process)}") for process in sorted(live.workers)]
        if live.web.desired:
            found.append(Change("update", f"desired count of {live.web.name} from {live.web.desired} to 0"))
        if number := len(place.records()):
            found.append(Change("delete", f"the history of {number} releases in {place.environment.bucket}"))
        kept = f"kept: the service {live.web.name}, which `terraform destroy` removes; the images, secrets and database"
        return Plan(tuple(found), note=kept)

    def remove(self, plan: Plan) -> None:
        place, live = self.place, self.place.releases.live()
        place.releases.services.delete(live)
        if live.web.desired:
            place.releases.services.update(live.web, Wanted({}, 0, live.web.revision))
        place.delete_history()

    def _record(self) -> ReleaseRecord:
        """Return the last good release. Raises Failed NOT_DEPLOYED."""
        record = last_good(self.place.records())
        if record is None or not record.objects:
            raise not_deployed(self.place)
        return record

    def _current(self) -> str:
        """Return the revision of the last good release; the one that runs if it has the same image."""
        place, live = self.place, self.place.releases.live()
        released = place.releases.recorded(self._record(), live)[0]
        if definition.digest_of(released.definition) == place.running_digest():
            return live.web.revision
        return place.releases.revisions.registered(released).revision
