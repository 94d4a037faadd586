"""A release as a file, for tools that apply it: `az containerapp create --yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.places.containerapps import jobs, render
from toolkit.deploy.places.traffic import targets

if TYPE_CHECKING:
    from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
    from toolkit.deploy.places.azure.client import Object
    from toolkit.deploy.spec import ReleaseSpec

LOCATION = "LOCATION"  # that of the environment, which only Azure knows


def write(env: ContainerAppsEnvironment, spec: ReleaseSpec, folder: Path) -> list[str]:
    """Write them; secrets are references to their newest versions. Returns the paths."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in objects(env, spec).items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        written.append(f"{folder / name}")
    return written


def objects(env: ContainerAppsEnvironment, spec: ReleaseSpec) -> dict[str, Object]:
    """Return the objects by file name. Pure."""
    web = render.web(spec, env, {})
    revision = render.revision_name(env.app, web)
    shares = render.shares(targets.settled(revision))
    app = render.new_app(render.app(web, env, render.suffix_of(revision), shares, ()), env, LOCATION)
    made = {**render.container(spec, env, {}), "args": ["migrate"]}
    job = jobs.job(made, env, web["secrets"], LOCATION, env.migration_seconds)
    return {"app.yaml": app, "job-migrate.yaml": job}
