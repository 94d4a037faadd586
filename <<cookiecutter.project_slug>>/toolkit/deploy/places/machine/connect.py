"""Connection to every host of an environment."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.changes import Changes
from toolkit.deploy.places.machine.host import Machine
from toolkit.deploy.places.machine.place import MachinePlace
from toolkit.deploy.places.machine.ssh import Connection

if TYPE_CHECKING:
    from toolkit.deploy.inventory.machine import MachineEnvironment
    from toolkit.deploy.report import Report


def open_place(project: Path, service: str, environment: MachineEnvironment, report: Report) -> MachinePlace:
    """Connect to every host. Raises Failed HOST_UNREACHABLE, HOST_KEY, SSH_DENIED, SSH_FORWARDING."""
    config = project / environment.ssh_config if environment.ssh_config else None
    if config and not config.is_file():
        raise fail("NO_SSH_CONFIG", f"{config} does not exist", hint="correct `ssh_config` in deploy/inventory.yaml")
    found, machines = Changes(), []
    with ExitStack() as stack:
        for host in environment.hosts:
            connection = Connection(host, config)
            stack.callback(connection.close)
            machines.append(Machine(connection, environment.project, found))
        atexit.register(stack.pop_all().close)
    return MachinePlace(project, service, environment, report, machines, found)


def closed_place(
    project: Path, service: str, environment: MachineEnvironment, report: Report, error: Failed | None = None
) -> MachinePlace:
    """Return a place without a connection; each request raises `error`."""
    unasked = error or fail("NO_HOST", "no host is asked here")
    return MachinePlace(project, service, environment, report, (), Changes(), unasked)
