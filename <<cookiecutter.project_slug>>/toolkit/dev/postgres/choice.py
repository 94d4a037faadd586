"""The choice of the database for a developer's command: the one in the settings, or the embedded one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.dev.postgres import run

NAMES = ("DATABASE_URL", "POSTGRES_SERVER")


def given(project: Path) -> str:
    """Return the setting that names a database in the environment or in `.env`; empty without one."""
    dotenv = project / ".env"
    lines = dotenv.read_text().splitlines() if dotenv.is_file() else []
    assigned = {
        name.strip() for name, equals, value in (line.partition("=") for line in lines) if equals and value.strip()
    }
    return next((name for name in NAMES if os.environ.get(name) or name in assigned), "")


@contextmanager
def chosen(project: Path, *, fresh: bool = False, shared: bool = True) -> Iterator[dict[str, str]]:
    """Yield the variables of the service's database, while it runs.

    `shared` uses the embedded one even when `dev` runs it; otherwise run.InUse is raised.
    """
    setting = given(project)
    if setting and fresh:
        raise SystemExit(f"--fresh empties the embedded PostgreSQL, but {setting} names another; unset it first.")
    if setting:
        yield {}
        return
    with run.using(project) if shared else run.running(project, fresh=fresh) as url:
        yield {"DATABASE_URL": url}
