"""Which folder a stack belongs to. Two checkouts of one service have one project name until they choose another.

Compose labels each container with the folder that made it. Volumes outlive the containers, so `up` makes them with a
label of the same kind. A folder that is gone (a moved checkout, a removed worktree) owns nothing.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.compose import dotenv
from toolkit.deploy.compose.config import PROJECT_LABEL, Stack, containers
from toolkit.deploy.outcomes import Failed, fail

if TYPE_CHECKING:
    from docker import DockerClient

FOLDER_LABEL = "com.docker.compose.project.working_dir"
VOLUME_LABEL = "com.docker.compose.volume"


def project_name(project: Path) -> str:
    """The name of this folder's stack, as Compose derives it."""
    return dotenv.read(project, dotenv.PROJECT) or default_name(project)


def default_name(project: Path) -> str:
    """The name in docker-compose.yml, which every checkout has."""
    from toolkit.deploy.inventory.load import facts

    return facts(project).name


def other_folder(client: DockerClient, name: str, project: Path) -> str:
    """The folder that made what the engine holds under a stack's name, if that is not this one; else empty."""
    labels = [container.labels for container in containers(client, name, ended=True)]
    labels += [
        volume.attrs.get("Labels") or {} for volume in client.volumes.list(filters={"label": f"{PROJECT_LABEL}={name}"})
    ]
    return next((folder for item in labels if is_elsewhere(folder := item.get(FOLDER_LABEL, ""), project)), "")


def is_elsewhere(folder: str, project: Path) -> bool:
    """Whether a labelled folder is there, and is another one than `project`."""
    return bool(folder) and Path(folder).is_dir() and not Path(folder).samefile(project)


def require_own(client: DockerClient, name: str, project: Path, task: str) -> None:
    """Raises Failed STACK_ELSEWHERE when the stack of this name belongs to another folder."""
    if other := other_folder(client, name, project):
        raise elsewhere(name, project, other, task)


def elsewhere(name: str, project: Path, other: str, task: str) -> Failed:
    message = f"the stack {name!r} belongs to another folder, which `{task}` does not touch from here"
    own = own_name(project)
    if os.environ.get(dotenv.PROJECT):
        hint = f"give this folder a stack of its own: export {dotenv.PROJECT}={own}"
    else:
        hint = f"give this folder a stack of its own: echo {dotenv.PROJECT}={own} >> .env"
    if task != "up":
        hint = f"run it there: cd {other} && python3 tasks.py {task}"
    return fail("STACK_ELSEWHERE", message, f"it was started in {other}", f"this is {project}", hint=hint)


def own_name(project: Path) -> str:
    """A name that no other folder of this machine derives."""
    return f"{default_name(project)}-{hashlib.sha256(str(project).encode()).hexdigest()[:6]}"


def database_of(client: DockerClient, name: str) -> str | None:
    """The folder that made the volume of a stack's database: None without such a volume, empty when it is unknown."""
    found = client.volumes.list(filters={"name": f"^{name}_database$"})
    return (found[0].attrs.get("Labels") or {}).get(FOLDER_LABEL, "") if found else None


def claim(client: DockerClient, stack: Stack, project: Path) -> None:
    """Make the stack's volumes, where they are missing, with the label of this folder and those of Compose."""
    for key, name in stack.used_volumes.items():
        if not client.volumes.list(filters={"name": f"^{name}$"}):
            labels = {PROJECT_LABEL: stack.name, VOLUME_LABEL: key, FOLDER_LABEL: str(project)}
            client.volumes.create(name, labels=labels)
