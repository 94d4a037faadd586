"""One host of an environment: its connection, its engine, and the project's files on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.machine import containers
from toolkit.deploy.places.machine.engine import Engine, Instance

if TYPE_CHECKING:
    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.places.machine.ssh import Connection
    from toolkit.deploy.report import Report

FOLDER = "/var/lib/deploy"


@dataclass(frozen=True)
class State:
    """A look at a host: the project's networks and containers."""

    host: str
    project: str
    networks: frozenset[str]
    instances: tuple[Instance, ...]

    def told(self, report: Report) -> None:
        """Show the state of each instance of the service and its processes."""
        for item in (*self.web, *self.processes):
            if phase := phase_of(item, routed=item in self.routed):
                report.instance(f"{item.name} on {self.host}", phase)

    @property
    def proxy(self) -> Instance | None:
        return next((item for item in self.instances if item.role == containers.PROXY), None)

    @property
    def web(self) -> tuple[Instance, ...]:
        return tuple(item for item in self.instances if item.role == containers.WEB)

    @property
    def processes(self) -> tuple[Instance, ...]:
        return tuple(item for item in self.instances if item.role == containers.PROCESS)

    @property
    def routed(self) -> tuple[Instance, ...]:
        """Instances that the proxy can reach, running or not."""
        return tuple(item for item in self.web if containers.edge(self.project) in item.addresses)

    @property
    def serving(self) -> tuple[Instance, ...]:
        return tuple(item for item in self.routed if item.status in ("running", "restarting"))


def phase_of(item: Instance, *, routed: bool) -> str:
    """Return the state for the deploy page; empty for a container that was kept. Pure."""
    if item.status == "restarting" or item.exit_code not in (0, 143):
        return "failed"
    if not item.running:
        return "ended" if routed else ""
    if item.policy == "no":
        return "ending" if routed or item.role == containers.PROCESS else "starting"
    return "ready" if routed or item.role == containers.PROCESS else "starting"


class Machine:
    """`changes`: shared by all hosts of the environment."""

    def __init__(self, connection: Connection, project: str, changes: Changes) -> None:
        self.connection, self.project, self.changes = connection, project, changes
        self.engine = Engine(connection, changes.allow)
        self.folder = f"{FOLDER}/{project}"

    @property
    def name(self) -> str:
        return self.connection.host.name

    def state(self) -> State:
        networks = frozenset(self.engine.networks(self.project))
        return State(self.name, self.project, networks, tuple(self.engine.instances(self.project)))

    # files

    def read(self, path: str) -> str | None:
        """Return the content of a file of the project, None without it."""
        done = self.connection.run(f"cat {self.folder}/{path}")
        return done.out if done.code == 0 else None

    def write(self, path: str, content: str, *, public: bool = False) -> None:
        """Write a file completely or not at all. Raises Failed HOST_FILES, DISK_FULL.

        Only this account may read it, unless it is `public`: a container's root without capabilities is another one.
        """
        self.changes.allow()
        target = f"{self.folder}/{path}"
        mask = "022" if public else "077"
        script = f'set -e; umask {mask}; mkdir -p "$(dirname {target})"; cat > {target}.new; mv {target}.new {target}'
        self._wrote(self.connection.run(script, content), target)

    def add(self, path: str, content: str) -> bool:
        """Write a new file; False if it exists."""
        self.changes.allow()
        target = f"{self.folder}/{path}"
        script = (
            f'set -e; umask 077; mkdir -p "$(dirname {target})"; cat > {target}.$$; '
            f"ln {target}.$$ {target} 2>/dev/null && code=0 || code=17; rm {target}.$$; exit $code"
        )
        done = self.connection.run(script, content)
        if done.code != 17:
            self._wrote(done, target)
        return done.code == 0

    def remove(self, paths: Sequence[str]) -> None:
        if paths:
            self.changes.allow()
            self.connection.run("rm -f " + " ".join(f"{self.folder}/{path}" for path in paths))

    def clear(self, names: Sequence[str]) -> None:
        """Delete these files and folders of the project; its own folder too, if nothing else is there."""
        self.changes.allow()
        paths = " ".join(f"{self.folder}/{name}" for name in names)
        self.connection.run(f"rm -rf {paths}; rmdir {self.folder} 2>/dev/null")

    def listed(self, folder: str) -> list[str]:
        """Return the names of the files in a folder of the project."""
        return self.connection.run(f"ls {self.folder}/{folder} 2>/dev/null").out.split()

    def secrets(self, name: str) -> dict[str, str]:
        """Return the secrets of that name. Raises Failed SECRET_NOT_FOUND."""
        found = self.read(f"secrets/{name}")
        if found is None:
            raise fail(
                "SECRET_NOT_FOUND",
                f"{self.name} does not have the secrets of this release any more ({self.folder}/secrets/{name})",
                hint="deploy instead of rolling back: a deploy writes them again",
            )
        content: dict[str, str] = json.loads(found)
        return content

    def _wrote(self, done: object, target: str) -> None:
        code, said = getattr(done, "code", 1), str(getattr(done, "err", "")).strip()
        if code == 0:
            return
        if "no space left" in said.lower():
            hint = "free some space on the host: `docker system df` shows its use, `docker image prune --all` helps"
            raise fail("DISK_FULL", f"{self.name}: the host's disk is full", said, hint=hint)
        hint = "`python3 tasks.py provision ENV` prepares the host"
        raise fail("HOST_FILES", f"{self.name}: {target} cannot be written", said, hint=hint)
