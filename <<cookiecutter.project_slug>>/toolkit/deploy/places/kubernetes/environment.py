"""The keys of a release's environment on Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.inventory.schema import KubernetesEnvironment

if TYPE_CHECKING:
    from toolkit.deploy.spec import ReleaseSpec


def environment_of(spec: ReleaseSpec) -> KubernetesEnvironment:
    """Return the environment. Raises TypeError for one of another place, which never gets here."""
    if not isinstance(spec.environment, KubernetesEnvironment):
        raise TypeError(f"{spec.environment.name} is an environment of place {spec.environment.place}")
    return spec.environment
