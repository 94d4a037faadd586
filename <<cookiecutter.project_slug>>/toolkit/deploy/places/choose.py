"""The implementation of a place, by the key `place` of the environment; the others are not imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
from toolkit.deploy.inventory.ecs import EcsEnvironment
from toolkit.deploy.inventory.instances import InstancesEnvironment
from toolkit.deploy.inventory.machine import MachineEnvironment
from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import fail

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.outcomes import Failed
    from toolkit.deploy.places import Place
    from toolkit.deploy.places.backups import Backups
    from toolkit.deploy.places.cloudrun.place import CloudRunPlace
    from toolkit.deploy.places.containerapps.place import ContainerAppsPlace
    from toolkit.deploy.places.ecs.place import EcsPlace
    from toolkit.deploy.places.instances.place import InstancesPlace
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace
    from toolkit.deploy.places.machine.place import MachinePlace
    from toolkit.deploy.places.operations import Operations
    from toolkit.deploy.places.previews import Previews
    from toolkit.deploy.report import Report


def open_place(
    project: Path,
    service: str,
    environment: Environment,
    report: Report,
    *,
    correct_drift: bool = False,
    pinned: bool = True,
) -> Place:
    """Connect to the environment's place. Raises Failed. `pinned`: False for a caller that reports a missing pin."""
    if isinstance(environment, KubernetesEnvironment):
        from toolkit.deploy.places.kubernetes import place as kubernetes

        return kubernetes.open_place(project, service, environment, report, correct_drift=correct_drift, pinned=pinned)
    if isinstance(environment, MachineEnvironment):
        from toolkit.deploy.places.machine import connect as machine

        return machine.open_place(project, service, environment, report)
    if isinstance(environment, EcsEnvironment):
        from toolkit.deploy.places.ecs import connect as ecs

        return ecs.open_place(project, service, environment, report)
    if isinstance(environment, CloudRunEnvironment):
        from toolkit.deploy.places.cloudrun import connect as cloudrun

        return cloudrun.open_place(project, service, environment, report)
    if isinstance(environment, ContainerAppsEnvironment):
        from toolkit.deploy.places.containerapps import connect as containerapps

        return containerapps.open_place(project, service, environment, report)
    if isinstance(environment, InstancesEnvironment):
        from toolkit.deploy.places.instances import connect as instances

        return instances.open_place(project, service, environment, report)
    raise TypeError(environment.place)


def closed_place(
    project: Path, service: str, environment: Environment, report: Report, error: Failed | None = None
) -> Place:
    """Return a place without a connection; each request raises `error`."""
    if isinstance(environment, KubernetesEnvironment):
        from toolkit.deploy.places.kubernetes import place as kubernetes

        return kubernetes.closed_place(project, service, environment, report, error)
    if isinstance(environment, MachineEnvironment):
        from toolkit.deploy.places.machine import connect as machine

        return machine.closed_place(project, service, environment, report, error)
    if isinstance(environment, EcsEnvironment):
        from toolkit.deploy.places.ecs import connect as ecs

        return ecs.closed_place(project, service, environment, report, error or ecs.unasked())
    if isinstance(environment, CloudRunEnvironment):
        from toolkit.deploy.places.cloudrun import connect as cloudrun

        return cloudrun.closed_place(project, service, environment, report, error)
    if isinstance(environment, ContainerAppsEnvironment):
        from toolkit.deploy.places.containerapps import connect as containerapps

        return containerapps.closed_place(project, service, environment, report, error)
    if isinstance(environment, InstancesEnvironment):
        from toolkit.deploy.places.instances import connect as instances

        return instances.closed_place(project, service, environment, report, error)
    raise TypeError(environment.place)


def operations_of(place: Place, environment: Environment) -> Operations:
    """Return the daily operations on an open place."""
    if isinstance(environment, KubernetesEnvironment):
        from toolkit.deploy.places.kubernetes import operations as kubernetes

        return kubernetes.KubernetesOperations(cast("KubernetesPlace", place))
    if isinstance(environment, MachineEnvironment):
        from toolkit.deploy.places.machine import operations as machine

        return machine.MachineOperations(cast("MachinePlace", place))
    if isinstance(environment, EcsEnvironment):
        from toolkit.deploy.places.ecs import operations as ecs

        return ecs.EcsOperations(cast("EcsPlace", place))
    if isinstance(environment, CloudRunEnvironment):
        from toolkit.deploy.places.cloudrun import operations as cloudrun

        return cloudrun.CloudRunOperations(cast("CloudRunPlace", place))
    if isinstance(environment, ContainerAppsEnvironment):
        from toolkit.deploy.places.containerapps import operations as containerapps

        return containerapps.ContainerAppsOperations(cast("ContainerAppsPlace", place))
    if isinstance(environment, InstancesEnvironment):
        from toolkit.deploy.places.instances import operations as instances

        return instances.InstancesOperations(cast("InstancesPlace", place))
    raise TypeError(environment.place)


def require_accessory(environment: Environment) -> None:
    """Raises Failed NO_ACCESSORY where the toolkit does not run the database. Needs no connection."""
    if isinstance(environment, MachineEnvironment) and environment.database:
        return
    raise fail(
        "NO_ACCESSORY",
        f"the toolkit does not run the database of {environment.name!r}, so it does not back it up",
        hint="back it up with the tools of its provider; with `place: machine`, `database: {accessory: postgres}` in "
        "deploy/inventory.yaml runs one on the host",
    )


def backups_of(place: Place, environment: Environment) -> Backups:
    """Return the backups of an open place. Raises Failed NO_ACCESSORY."""
    require_accessory(environment)
    return cast("MachinePlace", place).backups


def previews_of(place: Place, environment: Environment, name: str) -> Previews:
    """Return the previews on an open place; `name`: of the one that is made or removed. Raises Failed NOT_SUPPORTED."""
    if isinstance(environment, KubernetesEnvironment):
        from toolkit.deploy.places.kubernetes import previews as kubernetes

        return kubernetes.KubernetesPreviews(cast("KubernetesPlace", place), name)
    if isinstance(environment, MachineEnvironment):
        from toolkit.deploy.places.machine import previews as machine

        return machine.MachinePreviews(cast("MachinePlace", place), name)
    hint = "choose an environment on Kubernetes or on machines with --base"
    raise fail("NOT_SUPPORTED", f"previews are not available for `place: {environment.place}`", hint=hint)


def provision(project: Path, environment: Environment, report: Report, *, yes: bool) -> int:
    """Prepare the environment's hosts. Raises Failed NO_HOSTS for a place without."""
    if not isinstance(environment, MachineEnvironment):
        raise fail(
            "NO_HOSTS",
            f"{environment.name!r} has no hosts to prepare: it is an environment of place {environment.place}",
            hint=f"`python3 tasks.py doctor {environment.name}` shows what it lacks",
        )
    from toolkit.deploy.places.machine import provision as machine

    return machine.provision(project, environment, report, yes=yes)


@contextmanager
def explained() -> Iterator[None]:
    """Turn remaining exceptions of the place in use into Failed."""
    try:
        yield
    except Exception:
        kubernetes = sys.modules.get("toolkit.deploy.places.kubernetes.api_errors")
        if kubernetes is None:  # no cluster was asked
            raise
        with kubernetes.named():
            raise
