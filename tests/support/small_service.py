"""A service of one models.py and its revisions: what the writer of revisions needs, and no more."""

import asyncio
import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.support.template import SERVICE
from toolkit.deploy.breaking_changes import reasons_in
from toolkit.dev.migrations import catalogue, new_revision, outstanding
from toolkit.dev.migrations.intents import NONE, Intents

T = TypeVar("T")
MODELS = """\
import sqlalchemy as sa

from app.db.base import NAMING_CONVENTION

metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)


def table(name, *parts):
    key = sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), primary_key=True)
    return sa.Table(name, metadata, key, *parts)


"""
ENV = """\
import runpy
from pathlib import Path
from typing import TypeVar

from alembic import context

metadata = runpy.run_path(str(Path(__file__).parents[1] / "models.py"))["metadata"]
kind = {"dialect_name": "postgresql", "literal_binds": True}
if not context.is_offline_mode():
    kind = {"connection": context.config.attributes["connection"]}
context.configure(target_metadata=metadata, transaction_per_migration=True, **kind)
with context.begin_transaction():
    context.run_migrations()
"""


class SmallService:
    """`root` has the files, `url` is the database that `upgrade` changes."""

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url = root, url
        (root / "alembic" / "versions").mkdir(parents=True)
        (root / "alembic" / "env.py").write_text(ENV)
        (root / "alembic" / "script.py.mako").write_text((SERVICE / "alembic" / "script.py.mako").read_text())
        for name in ("alembic.ini", ".squawk.toml"):
            (root / name).write_text((SERVICE / name).read_text())
        (root / "service.toml").write_text('[service]\nname = "small"\n')
        (root / "app").symlink_to(SERVICE / "app")
        (root / "toolkit").symlink_to(SERVICE / "toolkit")

    def declare(self, models: str) -> None:
        (self.root / "models.py").write_text(MODELS + models)

    def new(self, intents: Intents = NONE) -> Path | None:
        return new_revision.new("change", self.root, intents)

    def new_plainly(self) -> None:
        """Write what Alembic's autogenerate alone makes of the models, for a comparison."""
        asyncio.run(self._on(self.url, lambda on: command.revision(self._config(on), "plain", autogenerate=True)))

    def contract(self) -> Path | None:
        return new_revision.contract("contract", self.root)

    def upgrade(self, revision: str = "head") -> None:
        asyncio.run(self._on(self.url, lambda connection: command.upgrade(self._config(connection), revision)))

    def downgrade(self, revision: str) -> None:
        asyncio.run(self._on(self.url, lambda connection: command.downgrade(self._config(connection), revision)))

    def sql(self, statement: str, role: str = "") -> list[tuple[object, ...]]:
        """Return the rows of a statement, of the superuser's or another role's."""

        async def run() -> list[tuple[object, ...]]:
            connection = await asyncpg.connect(self.url)
            try:
                if role:
                    await connection.execute(f"SET ROLE {role}")
                return [tuple(row) for row in await connection.fetch(statement)]
            finally:
                await connection.close()

        return asyncio.run(run())

    def differences(self) -> list[str]:
        """Compare the database, after its outstanding steps, with the models; it stays as it is."""

        def found(connection: Connection) -> dict[catalogue.Key, str]:
            tables = connection.exec_driver_sql(
                "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
            ).scalars()
            connection.exec_driver_sql(f"TRUNCATE {', '.join(tables)}")
            for statement in outstanding.statements(outstanding.read(self.root)):
                connection.exec_driver_sql(statement)
            made = {**catalogue.read(connection), **catalogue.temporary(connection)}
            connection.rollback()
            return made

        def wanted(connection: Connection) -> dict[catalogue.Key, str]:
            connection.exec_driver_sql("CREATE SCHEMA models")
            connection.exec_driver_sql("SET search_path TO models")
            self._metadata().create_all(connection)
            made = catalogue.read(connection)
            connection.rollback()
            return {key: text.replace("models.", "") for key, text in made.items()}

        there = asyncio.run(self._on(self.url, found))
        there = {key: text.replace("public.", "") for key, text in there.items()}
        return [str(item) for item in catalogue.differences(asyncio.run(self._on(self.url, wanted)), there)]

    def judged(self, path: Path) -> tuple[str, list[str]]:
        """Return the output of `migrate.lint`, and why a deploy would call the revision destructive."""
        lint = "import pathlib; from toolkit.dev.migrations import lint; lint.lint(pathlib.Path('.'))"
        linted = subprocess.run(
            [sys.executable, "-c", lint], cwd=self.root, capture_output=True, text=True, check=False
        )
        offline = [sys.executable, "-m", "toolkit.dev.migrations.offline_sql", path.name.split("_")[1]]
        done = subprocess.run(offline, cwd=self.root, capture_output=True, text=True, check=True)
        [script] = json.loads(done.stdout)
        assert not script["unreadable"], script
        reasons = reasons_in("\n".join(statement["sql"] for statement in script["statements"]))
        return ("" if linted.returncode == 0 else linted.stdout + linted.stderr), reasons

    def _metadata(self) -> MetaData:
        return runpy.run_path(str(self.root / "models.py"))["metadata"]

    def _config(self, connection: Connection) -> Config:
        return Config(self.root / "alembic.ini", attributes={"connection": connection})

    async def _on(self, url: str, work: Callable[[Connection], T]) -> T:
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool)
        async with engine.connect() as connection:
            result = await connection.run_sync(work)
            await connection.commit()
        await engine.dispose()
        return result
