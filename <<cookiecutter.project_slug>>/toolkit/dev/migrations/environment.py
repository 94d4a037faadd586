"""The service's alembic/env.py, which alone knows the models and how to connect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import MetaData


def config(project: Path) -> Config:
    from alembic.config import Config

    return Config(project / "alembic.ini")


def metadata(project: Path) -> MetaData:
    """The tables of the models: what env.py gives to `context.configure` as target_metadata. Needs no database."""
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    found: list[MetaData] = []

    def keep(_: object, context: MigrationContext) -> list[object]:
        found.append(context.opts["target_metadata"])
        return []  # no revision is run

    settings = config(project)
    script = ScriptDirectory.from_config(settings)
    with EnvironmentContext(settings, script, fn=keep, as_sql=True):
        script.run_env()
    return found[0]
