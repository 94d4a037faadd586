"""Two temporary empty databases: one for the revisions, one for the models."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from toolkit.dev import service
from toolkit.dev.postgres import choice, files, run


@contextlib.contextmanager
def databases(project: Path) -> Iterator[tuple[str, str]]:
    """Yield their URLs, on an embedded server or else on the server of the settings, where they are dropped afterwards.

    Raises files.Unavailable with neither of them.
    """
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(run.scratch())
        except files.Unavailable:
            if not choice.given(project):
                raise
            server = service.database_url(project)
        names = [f"{kind}_{os.getpid()}" for kind in ("revisions", "models")]
        execute(server, *(f'CREATE DATABASE "{name}" TEMPLATE template0' for name in names))
        stack.callback(execute, server, *(f'DROP DATABASE "{name}" WITH (FORCE)' for name in names))
        revisions, models = (urlunsplit(urlsplit(server)._replace(path=f"/{name}")) for name in names)
        yield revisions, models


def execute(url: str, *statements: str) -> None:
    """Run statements on the database at `url`, each in its own transaction."""
    import asyncpg

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())
