"""A release as files, for tools that apply them: `gcloud run services replace`, `gcloud run jobs replace`, a shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.places.cloudrun import processes, render, rollout, schedules

if TYPE_CHECKING:
    from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
    from toolkit.deploy.places.cloudrun.client import Object
    from toolkit.deploy.spec import ReleaseSpec


def write(env: CloudRunEnvironment, spec: ReleaseSpec, folder: Path) -> list[str]:
    """Write them; secrets are references to their newest versions. Returns the paths."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in objects(env, spec).items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        written.append(f"{folder / name}")
    if lines := schedules.commands(env):
        path = folder / "schedules.sh"
        path.write_text("\n".join(["#!/bin/sh", "set -eu", *lines, ""]), encoding="utf-8")
        written.append(f"{path}")
    return written


def objects(env: CloudRunEnvironment, spec: ReleaseSpec) -> dict[str, Object]:
    """Return the objects by file name. Pure."""
    web = render.web(spec, env, {})
    revision = render.revision_name(env.service, web)
    service = {
        "apiVersion": render.SERVING,
        "kind": "Service",
        "metadata": {"name": env.service, "namespace": env.project, "annotations": web["annotations"]},
        "spec": {
            "template": rollout.template_of(web, revision, None),
            "traffic": [{"revisionName": revision, "percent": 100}],
        },
    }
    migration = render.job(spec, env, {}, ["migrate"], env.migration_seconds)
    jobs = {"migrate": migration, **{job["process"]: job["spec"] for job in processes.wanted(web, env)}}
    return {"service.yaml": service, **{f"job-{name}.yaml": _job(env, name, made) for name, made in jobs.items()}}


def _job(env: CloudRunEnvironment, name: str, spec: Object) -> Object:
    metadata = {"name": render.job_name(env.service, name), "namespace": env.project}
    return {"apiVersion": render.RUN, "kind": "Job", "metadata": metadata, "spec": spec}
