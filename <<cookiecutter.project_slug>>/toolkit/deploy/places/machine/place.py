"""Machines as a place: every host of the environment runs the same instances."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import process
from toolkit.deploy.outcomes import Change, Failed, Failure, Plan
from toolkit.deploy.places.changes import Changes, Compared
from toolkit.deploy.places.evidence import folder as evidence_folder
from toolkit.deploy.places.machine import (
    containers,
    doctor,
    evidence,
    http,
    migration,
    processes,
    proxy,
    rollout,
    stability,
    status,
)
from toolkit.deploy.places.machine.host import Machine
from toolkit.deploy.places.machine.plan import Wanted, changes, plan
from toolkit.deploy.places.machine.prerequisites import MachinePrerequisites, full, lacks
from toolkit.deploy.places.machine.project import MachineProject
from toolkit.deploy.places.values import Figures, Finding, PlaceStatus, Running, Variables

if TYPE_CHECKING:
    from toolkit.deploy.inventory.machine import MachineEnvironment
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.report import Report
    from toolkit.deploy.spec import ReleaseSpec


class MachinePlace(MachineProject):
    """Releases of the project."""

    def __init__(
        self,
        project: Path,
        service: str,
        environment: MachineEnvironment,
        report: Report,
        machines: Sequence[Machine],
        changes: Changes,
        error: Failed | None = None,
    ) -> None:
        super().__init__(environment, report, machines, changes, error)
        self.project, self.service = project, service
        self._wanted: Wanted | None = None
        self._begun = False
        self.started: set[str] = set()  # names of the containers that this run has started
        self._evidence: Path | None = None

    # before anything is changed

    @property
    def programs(self) -> tuple[str, ...]:
        return ("ssh",)

    def require_programs(self) -> str:
        return process.run(["ssh", "-V"], seconds=20).err.partition(",")[0].removeprefix("OpenSSH_").strip()

    def check(self, spec: ReleaseSpec) -> None:
        containers.web(spec, self.environment)

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> MachinePrerequisites:
        lacking = tuple(line for machine in self.machines for line in lacks(machine))
        mark = str(self._web(spec)["secrets"])
        # A rollback starts kept containers, and works on a full disk, too.
        filled = () if rollback else tuple(line for machine in self.machines for line in full(machine))
        return MachinePrerequisites(self.name, self.environment.name, lacking, Variables(mark=mark), filled)

    def unfit(self, platforms: Collection[str]) -> Failure | None:
        for machine in self.machines:
            _, platform = machine.engine.version()
            if platforms and platform not in platforms:
                hint = f"build it for the host: `platforms: [{platform}]` in deploy/inventory.yaml"
                message = f"the image is for {', '.join(sorted(platforms))}, and {machine.name} is {platform}"
                return Failure("IMG_PLATFORM", message, (), hint)
        return None

    def change_secret(self, names: Sequence[str]) -> Sequence[str]:
        return self.environment.secret.change_in_store(names) or [f"export {name}=..." for name in names]

    # a release

    def observe_configuration(self, spec: ReleaseSpec) -> Compared:
        name = str(self._web(spec)["secrets"])
        missing = [machine for machine in self.machines if name not in machine.listed("secrets")]
        created = self.accessory.plan() if self.accessory and not spec.again else ()
        return Compared([*created, *(Change("create", f"secrets {name} on {machine.name}") for machine in missing)])

    def apply_configuration(self, spec: ReleaseSpec, plan: Plan) -> str:
        if self.accessory and not spec.again:
            self.accessory.create()
        name, made = str(self._web(spec)["secrets"]), self._made
        for machine in self.machines:
            if name in machine.listed("secrets"):
                continue
            if spec.again:
                machine.secrets(name)  # raises: only a deploy has them
            machine.write(f"secrets/{name}", containers.secrets_text({**spec.secrets, **made}))
        return spec.mark

    def has_other_variables(self, mark: str) -> bool:
        import json

        from toolkit.deploy.places.machine.engine import SPEC

        live = [json.loads(item.labels[SPEC]) for item in self.first.state().serving if SPEC in item.labels]
        return bool(mark) and any(web["secrets"] != mark for web in live)

    def schema(self) -> str | None:
        return self.accessory.schema() if self.accessory else None

    def plan_backup(self) -> Change | None:
        return Change("write", f"a backup of the database on {self.first.name}") if self.accessory else None

    def back_up(self, reason: str) -> str:
        return str(self.backups.make(reason).number)

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        return Change("run", f"the migration on {self.first.name}")

    def start_migration(self, spec: ReleaseSpec) -> migration.StartedContainer:
        return migration.start(self, self.wanted(self.kept_objects(spec)))

    def observe(self, spec: ReleaseSpec) -> Compared:
        wanted = self._wanted = self.wanted(self.kept_objects(spec))
        found = [change for machine in self.machines for change in changes(machine.state(), self.on(machine, wanted))]
        return Compared(found)

    def apply(self, spec: ReleaseSpec, plan: Plan) -> int | None:
        self._release(self.wanted(self.kept_objects(spec)))
        return None

    def put_back(self, record: ReleaseRecord) -> int | None:
        self._release(self.wanted(record.objects))
        self.clear_failed()
        return None

    def begin(self, wanted: Wanted) -> None:
        """Let `watch` bring the hosts to this state of a release."""
        self._wanted, self._begun = wanted, True

    def clear_failed(self) -> None:
        """Remove instances that have not served, or have crashed: their logs are in the evidence."""
        for machine in self.machines:
            state = machine.state()
            for item in state.web:
                if item not in state.routed and (item.running or item.exit_code):
                    machine.engine.remove(item.name)

    def _release(self, wanted: Wanted) -> None:
        """One host after the other: the first failure ends it."""
        self._wanted = wanted
        for machine in self.machines:
            self.report.progress("release", machine.name)
            rollout.release(self, machine, self.on(machine, wanted))

    # what runs

    def running_hash(self) -> str:
        """Return the hash of the newest instances that serve; empty without any."""
        serving = [item for machine in self.machines for item in machine.state().serving]
        return max(serving, key=lambda item: item.started_at).hash if serving else ""

    def running_digest(self) -> str:
        serving = [item for machine in self.machines for item in machine.state().serving]
        if self._begun and self._wanted:
            return str(self._wanted.web["digest"])
        return max(serving, key=lambda item: item.started_at).digest if serving else ""

    def running(self) -> Running:
        if self._wanted is None:
            return Running(self.project_name, complete=False, summary="not looked at")
        todo = [plan(machine.state(), self.on(machine, self._wanted)) for machine in self.machines]
        have = sum(len(item.right) for item in todo)
        states = processes.states(self.machines, self._wanted.processes)
        lines = [f"{have} of {self._wanted.replicas * len(todo)} ready", *(f"{s.name} {s.summary}" for s in states)]
        return Running(self.project_name, all(item.only for item in todo), ", ".join(lines))

    def watch(self, seconds: float, hold: float) -> str:
        if self._wanted is None:
            raise AssertionError("watched before anything was released")
        if self._begun:
            self._begun = False
            self._release(self._wanted)
        return stability.hold(self, self._wanted, seconds, hold)

    def ask(self, path: str) -> object:
        """Return the response of one host's proxy: one that answers with another version comes first."""
        answers = [http.get(machine.connection, self.front, path) for machine in self.machines]
        bodies = [answer.body if answer else None for answer in answers]
        versions = [body.get("image_digest") if isinstance(body, Mapping) else None for body in bodies]
        if None in bodies or len(set(versions)) == 1:
            return None if None in bodies else bodies[0]
        return {"image_digest": ", ".join(sorted({str(version) for version in versions}))}

    @property
    def unanswered_hint(self) -> str:
        name = proxy.name(self.project_name)
        return f"`docker logs {name}` on {self.environment.hosts[0].name} shows the proxy's errors"

    def figures(self) -> Mapping[str, Figures]:
        return status.figures(self)

    def status(self) -> PlaceStatus:
        return status.status(self)

    def logs(self, lines: int) -> list[str]:
        return status.log_lines(self, lines)

    def save_evidence(self, machine: Machine, name: str) -> tuple[tuple[str, ...], Path]:
        """Write a container's log below `.dev/` of the checkout. Returns its last lines, and the folder."""
        self._evidence = self._evidence or evidence_folder(self.project, self.environment.name)
        return evidence.save(self._evidence, machine, name), self._evidence

    # doctor

    def identify(self) -> Finding:
        if self._error:
            failure = self._error.failure
            return Finding(False, failure.message, failure.hint, lines=failure.evidence)
        pins = tuple(
            f"{machine.name} is known by your ssh; to pin it for everyone, add its `host_key` in deploy/inventory.yaml"
            for machine in self.machines
            if machine.connection.host.host_key is None
        )
        return Finding(True, ", ".join(host.ssh for host in self.environment.hosts), lines=pins)

    def checks(self, spec: Callable[[], ReleaseSpec]) -> Mapping[str, Callable[[], Finding]]:
        return doctor.checks(self)

    def write_files(self, spec: ReleaseSpec, folder: Path) -> list[str]:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "Caddyfile").write_text(proxy.caddyfile(self.environment), encoding="utf-8")
        web = containers.web(spec, self.environment)
        (folder / "service.json").write_text(containers.spec_text(web) + "\n", encoding="utf-8")
        return [f"{folder / name}" for name in ("Caddyfile", "service.json")]
