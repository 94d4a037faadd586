"""The folder that a stack belongs to. Two checkouts of a service share a project name until one chooses another.

Compose labels each container with the folder that created it. Volumes outlive the containers, so `up` creates them
with a similar label. A folder that no longer exists (a moved checkout, a removed worktree) owns nothing.
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
    """Return the name of this folder's stack, as Compose derives it."""
    return dotenv.read(project, dotenv.PROJECT) or default_name(project)


def default_name(project: Path) -> str:
    """Return the name in docker-compose.yml, which is the same in every checkout."""
    from toolkit.deploy.inventory.load import facts

    return facts(project).name


def other_folder(client: DockerClient, name: str, project: Path) -> str:
    """Return the other folder that owns the containers or volumes of a stack's name; empty if it is this one."""
    labels = [container.labels for container in containers(client, name, ended=True)]
    labels += [
        volume.attrs.get("Labels") or {} for volume in client.volumes.list(filters={"label": f"{PROJECT_LABEL}={name}"})
    ]
    return next((folder for item in labels if is_elsewhere(folder := item.get(FOLDER_LABEL, ""), project)), "")


def is_elsewhere(folder: str, project: Path) -> bool:
    """Return True if a labelled folder exists and is not `project`."""
    return bool(folder) and Path(folder).is_dir() and not Path(folder).samefile(project)


def require_own(client: DockerClient, name: str, project: Path, task: str) -> None:
    """Check the owner. Raises Failed STACK_ELSEWHERE when the stack of this name belongs to another folder."""
    if other := other_folder(client, name, project):
        raise elsewhere(name, project, other, task)


def elsewhere(name: str, project: Path, other: str, task: str) -> Failed:
    message = f"the stack {name!r} belongs to another folder, which `{task}` does not touch"
    own = own_name(project)
    if os.environ.get(dotenv.PROJECT):
        hint = f"give this folder its own stack: export {dotenv.PROJECT}={own}"
    else:
        hint = f"give this folder its own stack: echo {dotenv.PROJECT}={own} >> .env"
    if task != "up":
        hint = f"run it there: cd {other} && python3 tasks.py {task}"
    return fail("STACK_ELSEWHERE", message, f"it was started in {other}", f"this is {project}", hint=hint)


def own_name(project: Path) -> str:
    """Return a name that no other folder of this machine derives."""
    return f"{default_name(project)}-{hashlib.sha256(str(project).encode()).hexdigest()[:6]}"


def database_of(client: DockerClient, name: str) -> str | None:
    """Return the folder that created a stack's database volume: None without the volume, empty if unknown."""
    found = client.volumes.list(filters={"name": f"^{name}_database$"})
    return (found[0].attrs.get("Labels") or {}).get(FOLDER_LABEL, "") if found else None


def claim(client: DockerClient, stack: Stack, project: Path) -> None:
    """Create missing volumes of the stack, with the label of this folder and those of Compose."""
    for key, name in stack.used_volumes.items():
        if not client.volumes.list(filters={"name": f"^{name}$"}):
            labels = {PROJECT_LABEL: stack.name, VOLUME_LABEL: key, FOLDER_LABEL: str(project)}
            client.volumes.create(name, labels=labels)
