"""The first `up` in a folder: its .env, with a separate stack name if another folder uses the default one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.compose import dotenv, owner
from toolkit.deploy.compose.config import Port
from toolkit.deploy.outcomes import fail
from toolkit.dev import ports

if TYPE_CHECKING:
    from docker import DockerClient

# docker-compose.yml
DEFAULT_PORTS = (Port("app", "127.0.0.1", 8000), Port("db", "127.0.0.1", 5432))


def ensure_dotenv(project: Path, client: DockerClient) -> str:
    """Create .env if it is missing, and return a report; empty if it exists.

    If the stack of this name belongs to another folder, .env gets its own project name and free ports. Raises Failed
    PASSWORD_LOST for a database whose password was in an earlier .env, and STACK_ELSEWHERE.
    """
    if dotenv.exists(project):
        return ""
    name = owner.project_name(project)
    if other := owner.other_folder(client, name, project):
        if dotenv.read(project, dotenv.PROJECT):
            raise owner.elsewhere(name, project, other, "up")
        name = owner.own_name(project)
        free = {port.variable: str(ports.next_free(port.host, port.number + 1)) for port in DEFAULT_PORTS}
        own = {dotenv.PROJECT: name, **free}
    else:
        # Chosen now, and part of the data's address from then on.
        own = {dotenv.PROJECT: name} if name != owner.default_name(project) else {}
    if (maker := owner.database_of(client, name)) is not None:
        own_name = owner.own_name(project)
        hint = f"restore it, or start with a new database: {dotenv.PROJECT}={own_name} python3 tasks.py up"
        if maker == str(project):
            hint += "; `python3 tasks.py down --volumes` removes the old one, which this folder has created"
        raise fail("PASSWORD_LOST", f"the password of volume {name}_database was in an .env that is missing", hint=hint)
    dotenv.write(project, own)
    if not other:
        return ".env created from .env.example, with a new password for the database"
    chosen = " ".join(f"{key}={value}" for key, value in own.items())
    return f".env created with {chosen}, because the stack {owner.default_name(project)!r} belongs to {other}"
