"""`deploy ENV --render DIR`: the release as files, for tools that apply them; asks no cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.image import registry
from toolkit.deploy.outcomes import fail
from toolkit.deploy.release import settings
from toolkit.deploy.spec import ReleaseSpec, secrets_from

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.places import Place


def write(
    project: Path, service: str, environment: Environment, place: Place, folder: Path, variables: Mapping[str, str]
) -> list[str]:
    """Write the files. Returns what to print.

    Raises Failed NO_IMAGE without an image by digest (a build has its digest only afterwards), SETTINGS_REFUSED.
    """
    if not environment.image:
        raise fail(
            "NO_IMAGE",
            "rendering requires the image by digest",
            hint="-e image=sha256:... (`python3 tasks.py push` prints it)",
        )
    digest = (
        environment.image
        if environment.image.startswith("sha256:")
        else registry.resolve(environment.repository, environment.image)
    )
    secrets = secrets_from(environment, variables)
    spec = ReleaseSpec(service, environment, digest, secrets, environment.fixed_replicas)
    settings.require(project, spec, place.change_secret)
    return place.write_files(spec, folder)
