"""Container Instances as a place: a container group, which a release replaces and so interrupts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Failure, Plan
from toolkit.deploy.places.changes import Compared
from toolkit.deploy.places.instances import one_off, render, rollout, state
from toolkit.deploy.places.instances.plan import Observed
from toolkit.deploy.places.traffic import doctor
from toolkit.deploy.places.traffic.connected import ConnectedPlace
from toolkit.deploy.places.traffic.prerequisites import TrafficPrerequisites
from toolkit.deploy.places.values import Finding, Instance, PlaceStatus, Running, Variables

if TYPE_CHECKING:
    from collections.abc import Collection

    from toolkit.deploy.inventory.instances import InstancesEnvironment
    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.places.instances.connection import Connection
    from toolkit.deploy.records import Kept, ReleaseRecord
    from toolkit.deploy.report import Report
    from toolkit.deploy.spec import ReleaseSpec

PLATFORM = "linux/amd64"


class InstancesPlace(ConnectedPlace["InstancesEnvironment", "Connection"]):
    product = "Container Instances"

    def __init__(
        self,
        project: Path,
        service: str,
        environment: InstancesEnvironment,
        report: Report,
        changes: Changes,
        connection: Connection | None,
        error: Failed | None = None,
    ) -> None:
        super().__init__(project, service, environment, report, changes, connection, error)
        self._wanted: Kept | None = None
        self._restart = False  # of an operation that `watch` carries out
        self._secrets: Mapping[str, str] = {}  # Azure returns none: an undo writes those of this deploy

    def kept_objects(self, spec: ReleaseSpec) -> tuple[Kept, ...]:
        return (self._web(spec),)

    def _web(self, spec: ReleaseSpec) -> Kept:
        return render.web(spec, self.environment)

    # before anything is changed

    def check(self, spec: ReleaseSpec) -> None:
        self._web(spec)

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> TrafficPrerequisites:
        self.connection.groups.get()
        return TrafficPrerequisites(self.name, Variables(mark="" if rollback else render.mark_of(spec.secrets)))

    def unfit(self, platforms: Collection[str]) -> Failure | None:
        if platforms and PLATFORM not in platforms:
            hint = f"build it for Container Instances: `platforms: [{PLATFORM}]` in deploy/inventory.yaml"
            message = f"the image is for {', '.join(sorted(platforms))}, and Container Instances runs {PLATFORM}"
            return Failure("IMG_PLATFORM", message, (), hint)
        return None

    def change_secret(self, names: Sequence[str]) -> Sequence[str]:
        return self.environment.secret.change_in_store(names) or [f"export {name}=..." for name in names]

    # a release

    def observe_configuration(self, spec: ReleaseSpec) -> Compared:
        return Compared(())

    def apply_configuration(self, spec: ReleaseSpec, plan: Plan) -> str:
        return spec.mark

    def has_other_variables(self, mark: str) -> bool:
        """Return True if the running group has other secrets: they may name another database."""
        live = self.connection.groups.get()
        return bool(mark) and live is not None and live.secrets != mark

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        return Change("run", f"the migration as container group {render.one_off_name(self.environment, 'migrate')}")

    def start_migration(self, spec: ReleaseSpec) -> one_off.Migration:
        return one_off.start_migration(self, self._web(spec), spec.secrets)

    def observe(self, spec: ReleaseSpec) -> Observed:
        groups, env = self.connection.groups, self.environment
        self._wanted, self._secrets = self._web(spec), spec.secrets
        return Observed(groups.name, groups.get(), self._wanted, env.name, env.downtime_allowed)

    def apply(self, spec: ReleaseSpec, plan: Plan) -> int | None:
        self._wanted, self._secrets = self._web(spec), spec.secrets
        rollout.release(self, self._wanted, spec.secrets)
        return None

    def put_back(self, record: ReleaseRecord) -> int | None:
        self._wanted = dict(record.objects[0])
        rollout.release(self, self._wanted, self._secrets)
        return None

    def begin_restart(self, kept: Kept) -> None:
        self._wanted, self._restart = kept, True

    # what runs

    def running_digest(self) -> str:
        live = self.connection.groups.get()
        return live.digest if live else ""

    def running(self) -> Running:
        live = self.connection.groups.get()
        complete = (
            live is not None
            and self._wanted is not None
            and live.container == state.RUNNING
            and live.release == render.release_of(self._wanted)
        )
        return Running(self.connection.groups.name, complete, live.container if live else "none")

    def watch(self, seconds: float, hold: float) -> str:
        if self._wanted is None:
            raise AssertionError("watched before anything was released")
        if self._restart:
            self._restart = False
            self.connection.groups.restart()
            rollout.await_answer(self, self._wanted)
        return rollout.hold(self, self._wanted, seconds, hold)

    def ask(self, path: str) -> object:
        live = self.connection.groups.get()
        return self.connection.front.json(live.url, path) if live else None

    @property
    def unanswered_hint(self) -> str:
        return (
            "with `subnet`, the deployer needs a way into that network; "
            f"`python3 tasks.py logs --env {self.environment.name}` shows the container's lines"
        )

    def status(self) -> PlaceStatus:
        live = self.connection.groups.get()
        if live is None:
            return PlaceStatus("", 0, 0, 0, "", False, ())
        answers = isinstance(ready := self.ask("/ready"), Mapping) and ready.get("status") == "ready"
        unready = "" if answers else f"{live.container or live.provisioning} {live.detail}".strip()
        shown = Instance(live.name, answers, live.container, live.restarts, self.environment.location)
        return PlaceStatus(live.image, 1, int(answers), 0, unready, False, (shown,))

    def logs(self, lines: int) -> list[str]:
        groups = self.connection.groups
        found = groups.lines(lines=lines) if groups.get() else []
        return [f"{groups.name}  {line}" for line in found] or [f"No container of {groups.name} has logged anything."]

    # doctor

    def identify(self) -> Finding:
        env = self.environment
        return doctor.identify(
            self._error, f"subscription {env.subscription}, {env.resource_group}, container group {env.container_group}"
        )

    def checks(self, spec: Callable[[], ReleaseSpec]) -> Mapping[str, Callable[[], Finding]]:
        return {
            "permissions": self._permissions,
            "downtime": self._downtime,
            "lock": lambda: doctor.lock(self.connection.ledger.read()),
        }

    def _permissions(self) -> Finding:
        self.connection.groups.listed()
        return Finding(True, "container groups can be read; the permission to write is not tried")

    def _downtime(self) -> Finding:
        env = self.environment
        if env.downtime_allowed:
            return Finding(True, "a release interrupts the service; `place: containerapps` does not")
        hint = "`place: containerapps` releases without an interruption; `allow_downtime: true` accepts them"
        return Finding(False, f"a release would interrupt {env.name}, and is refused", hint)

    def write_files(self, spec: ReleaseSpec, folder: Path) -> list[str]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "container-group.json"
        path.write_text(json.dumps(self._web(spec)["group"], indent=2) + "\n", encoding="utf-8")
        return [f"{path}"]
