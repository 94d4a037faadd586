"""Which database a developer's command works on: the one that the settings name, or the embedded one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.dev.postgres import run

NAMES = ("DATABASE_URL", "POSTGRES_SERVER")


def given(project: Path) -> str:
    """The setting that names a database in the environment or in `.env`; empty when there is none."""
    dotenv = project / ".env"
    lines = dotenv.read_text().splitlines() if dotenv.is_file() else []
    assigned = {
        name.strip() for name, equals, value in (line.partition("=") for line in lines) if equals and value.strip()
    }
    return next((name for name in NAMES if os.environ.get(name) or name in assigned), "")


@contextmanager
def chosen(project: Path, *, fresh: bool = False, shared: bool = True) -> Iterator[dict[str, str]]:
    """The variables that lead the service to its database, while that runs.

    `shared` takes the embedded one as it is when `dev` runs it; without it, postgres.InUse is raised then.
    """
    setting = given(project)
    if setting and fresh:
        raise SystemExit(f"--fresh empties the embedded PostgreSQL, but {setting} names another: unset that first.")
    if setting:
        yield {}
        return
    with run.using(project) if shared else run.running(project, fresh=fresh) as url:
        yield {"DATABASE_URL": url}
