"""Daily operations that every platform with revisions has: base of its `Operations`."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from toolkit.deploy.outcomes import Failed, Plan, fail
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from toolkit.deploy.inventory.traffic import TrafficEnvironment
    from toolkit.deploy.outcomes import Change
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.places.traffic.place import TrafficPlace
    from toolkit.deploy.places.traffic.platform import Connected
    from toolkit.deploy.places.values import Tunnel
    from toolkit.deploy.records import Kept

P = TypeVar("P", bound="TrafficPlace[TrafficEnvironment, Connected]", covariant=True)
RUN_SECONDS = 3600
LINES = 1000  # of a page of the platform's log


class TrafficOperations(ABC, Generic[P]):
    """`remains`: what `remove` keeps. `database_hint`: what to use instead of a tunnel."""

    remains: str
    database_hint: str

    def __init__(self, place: P) -> None:
        self.place = place

    # each platform's own

    @property
    @abstractmethod
    def shell_hint(self) -> str:
        """Return the command that does what `shell` cannot."""

    @abstractmethod
    def set_count(self, kept: Kept, count: int) -> None:
        """Set the least number of instances in a release."""

    @abstractmethod
    def deletions(self) -> list[Change]:
        """Return what `remove` deletes, each as KIND NAME, in order."""

    @abstractmethod
    def delete(self, kind: str, name: str) -> None:
        """Delete one of `deletions`."""

    # common

    def shell(self) -> int:
        raise self._unsupported("a shell", self.shell_hint)

    @contextmanager
    def database(self, port: int) -> Iterator[Tunnel]:
        raise self._unsupported("a tunnel to the database", self.database_hint)
        yield  # a generator

    def autoscaler(self) -> str:
        return ""

    def scale(self, count: int, process: str = "") -> Undo:
        """Begin to keep so many instances; the platform adds more under load, up to the environment's limit."""
        if process:
            hint = "leave out --process: a scheduled command has no instances"
            raise fail("NO_SUCH_PROCESS", f"{process} runs on a schedule", hint=hint)
        kept = self._released()
        scaled = copy.deepcopy(kept)
        self.set_count(scaled, count)
        self.place.begin(scaled)
        return lambda: self.place.begin(kept)

    def set_secret(self, name: str, value: str) -> str:
        version = self.place.connection.secrets.add_version(name, value)
        return f"{name} is version {version}; `python3 tasks.py deploy {self.place.environment.name}` releases it"

    def removal(self, *, database: bool) -> Plan:
        """Return what `remove` deletes. Raises Failed DATABASE_NOT_OURS."""
        if database:
            hint = "remove it where it runs; leave out --database"
            message = f"the toolkit does not run the database of {self.place.environment.name}"
            raise fail("DATABASE_NOT_OURS", message, hint=hint)
        return Plan(tuple(self.deletions()), note=f"kept: {self.remains}")

    def remove(self, plan: Plan) -> None:
        for change in plan.changes:
            kind, _, name = change.what.partition(" ")
            self.place.report.progress("remove", change.what)
            self.delete(kind, name)

    def _released(self) -> Kept:
        """Return the service of the last good release. Raises Failed NOT_DEPLOYED."""
        record = last_good(self.place.records())
        if record is None or not record.objects:
            name = self.place.environment.name
            raise fail(
                "NOT_DEPLOYED",
                f"{self.place.service} has no release in {name} that passed its smoke test",
                hint=f"python3 tasks.py deploy {name}",
            )
        return dict(record.objects[0])

    def _unsupported(self, what: str, hint: str) -> Failed:
        return fail("NOT_SUPPORTED", f"the toolkit has no way to open {what} on {self.place.product}", hint=hint)
