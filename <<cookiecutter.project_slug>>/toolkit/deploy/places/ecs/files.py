"""The task definitions of a release as files, for the AWS command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs import definition, references

if TYPE_CHECKING:
    from pathlib import Path

    from toolkit.deploy.inventory.ecs import EcsEnvironment
    from toolkit.deploy.spec import ReleaseSpec


def write(environment: EcsEnvironment, spec: ReleaseSpec, folder: Path) -> list[str]:
    """Write them for `aws ecs register-task-definition --cli-input-json`. Returns the paths."""
    values = {name: references.named(environment, text) for name, text in references.keys_of(environment).items()}
    made = {"task-definition": definition.render(spec, environment, values)}
    for name in sorted(environment.processes):
        made[f"task-definition-{name}"] = definition.render_process(spec, environment, values, name)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in made.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        paths.append(str(path))
    return paths
