"""The release drivers: how objects reach the cluster. Both render the same ones."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from toolkit.deploy.outcomes import fail

if TYPE_CHECKING:
    from pathlib import Path

    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.outcomes import Plan
    from toolkit.deploy.places import Observation
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.spec import ReleaseSpec

# Folder that each release driver renders.
FOLDERS = {"manifests": "k8s", "helm": "helm"}


class Driver(Protocol):
    """A module with these functions. `manager` is its field manager in the cluster."""

    manager: str

    def require(self) -> str:
        """The version of its tool; empty when it needs none. Raises Failed HELM_VERSION."""
        ...

    def render(self, project: Path, spec: ReleaseSpec) -> list[Object]:
        """Return every object of the release, including the migration Job. Raises Failed MANIFEST_INVALID."""
        ...

    def observe(self, place: KubernetesPlace, wanted: list[Object]) -> Observation:
        """Compare these objects with the cluster's, by dry runs."""
        ...

    def apply(self, place: KubernetesPlace, spec: ReleaseSpec, wanted: list[Object], planned: Plan) -> int | None:
        """Make the planned changes. Returns the driver's own number for the release, where it has one."""
        ...

    def undo(self, place: KubernetesPlace, record: ReleaseRecord) -> int | None:
        """Roll back to an earlier release, overriding later changes of its objects."""
        ...

    def recover(self, place: KubernetesPlace, last: ReleaseRecord | None) -> str:
        """Put right what a killed deployer has left; says what that was."""
        ...


def driver_of(environment: KubernetesEnvironment, project: Path) -> Driver:
    """Return the module of the environment's release driver. Raises Failed NO_DRIVER without its templates."""
    folder = FOLDERS[environment.driver]
    if not (project / folder).is_dir():
        raise fail(
            "NO_DRIVER",
            f"driver {environment.driver!r} requires the folder {folder}/, which does not exist",
            hint="correct `driver` in deploy/inventory.yaml, or generate the service again with that answer",
        )
    return cast("Driver", import_module(f"toolkit.deploy.places.kubernetes.{environment.driver}"))
