"""The revisions: each goes up and down, and together they make what the models say."""

from collections.abc import Sequence

import asyncpg
import pytest
from sqlalchemy import CheckConstraint, Connection, MetaData
from sqlalchemy.pool import NullPool

from app.db import revisions
from app.db.base import load_models
from app.db.engine import connecting_engine
from app.settings.database_url import parse_database_url
from tests.support import databases
from toolkit.dev.migrations import catalogue, outstanding

REVISIONS = revisions.load(databases.ROOT / "alembic" / "versions")
pytestmark = pytest.mark.skipif(not REVISIONS.known, reason="there is no revision yet: python3 tasks.py setup")
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S', 'v')"
NAMES = """
    SELECT conname AS name, conrelid::regclass::text AS table_name, contype::text AS kind FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f', 'c')
"""
PREFIXES = {"p": "pk_{}", "u": "uq_{}_", "f": "fk_{}_", "c": "ck_{}_"}


async def names(url: str, query: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_stairway(empty_database: str) -> None:
    """Up, down and up again, revision by revision; and down to nothing in the end. A merge has two parents."""
    for revision in REVISIONS.ordered:
        parent = [*REVISIONS.known[revision].parents, "base"][0]
        await databases.migrate(empty_database, revision)
        await databases.migrate(empty_database, parent, down=True)
        await databases.migrate(empty_database, revision)
    assert await names(empty_database, TABLES) != ["alembic_version"]
    await databases.migrate(empty_database, "base", down=True)
    assert await names(empty_database, TABLES) == ["alembic_version"]


async def drift(
    migrated: str, empty: str, metadata: MetaData, entries: Sequence[outstanding.Entry] | None = None
) -> list[str]:
    """Everything in which the revisions and the models differ, by PostgreSQL's catalogue.

    What a later release does ([[contract]] in service.toml) is done first.
    """
    later = outstanding.statements(outstanding.read(databases.ROOT) if entries is None else entries)

    def made(connection: Connection) -> dict[catalogue.Key, str]:
        metadata.create_all(connection)
        connection.commit()
        return catalogue.read(connection)

    def finished(connection: Connection) -> dict[catalogue.Key, str]:
        for statement in later:
            connection.exec_driver_sql(statement)
        return {**catalogue.read(connection), **catalogue.temporary(connection)}

    found = []
    for url, work in ((empty, made), (migrated, finished)):
        engine = connecting_engine(parse_database_url(url), poolclass=NullPool)
        async with engine.connect() as connection:
            found.append(await connection.run_sync(work))
        await engine.dispose()
    return [str(difference) for difference in catalogue.differences(*found)]


async def test_the_revisions_are_what_the_models_say(own_database: str, empty_database: str) -> None:
    assert await drift(own_database, empty_database, load_models()) == []


@pytest.mark.parametrize(
    ("changed", "noticed"),
    [
        ("ADD COLUMN forgotten int", "column forgotten of idempotency_keys"),
        ("ADD CONSTRAINT ck_idempotency_keys_key CHECK (key > '')", "constraint ck_idempotency_keys_key"),
        ("ALTER COLUMN created_at DROP DEFAULT", "default of idempotency_keys.created_at: the models say now()"),
        ("ALTER COLUMN answer DROP NOT NULL", "column answer of idempotency_keys: the models say jsonb NOT NULL"),
        ("ALTER COLUMN subject TYPE varchar(9)", "the revisions make character varying(9) NOT NULL"),
        ("DROP CONSTRAINT pk_idempotency_keys", "constraint pk_idempotency_keys"),
    ],
)
async def test_a_change_without_a_revision_is_noticed(
    own_database: str, empty_database: str, admin: asyncpg.Connection, changed: str, noticed: str
) -> None:
    await admin.execute(f"ALTER TABLE idempotency_keys {changed}")
    [difference] = await drift(own_database, empty_database, load_models())
    assert noticed in difference


async def test_a_step_for_a_later_release_is_no_drift(
    own_database: str, empty_database: str, admin: asyncpg.Connection
) -> None:
    await admin.execute("ALTER TABLE idempotency_keys ADD COLUMN legacy int")
    entry = outstanding.Entry("drop_column", "idempotency_keys", "legacy")
    assert await drift(own_database, empty_database, load_models(), [*outstanding.read(databases.ROOT), entry]) == []


async def test_an_index_and_a_missing_check_without_a_revision_are_noticed(
    own_database: str, empty_database: str, admin: asyncpg.Connection
) -> None:
    await admin.execute("DROP INDEX ix_idempotency_keys_created_at")
    await admin.execute("CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at) WHERE key > ''")
    copy = MetaData(naming_convention=load_models().naming_convention)
    for table in load_models().tables.values():
        table.to_metadata(copy)
    copy.tables["idempotency_keys"].append_constraint(CheckConstraint("key > ''", name="key"))
    check, index = await drift(own_database, empty_database, copy)
    assert "constraint ck_idempotency_keys_key" in check
    assert "the revisions make nothing" in check
    assert "index ix_idempotency_keys_created_at" in index


def misnamed(rows: list[asyncpg.Record]) -> list[str]:
    return [
        row["name"]
        for row in rows
        if row["table_name"] != "alembic_version"
        and not row["name"].startswith(PREFIXES[row["kind"]].format(row["table_name"].strip('"')))
    ]


async def test_every_constraint_is_named_by_the_convention(admin: asyncpg.Connection) -> None:
    """Errors name the field by it, and a later revision can drop what has a name."""
    rows = await admin.fetch(NAMES)
    assert {row["kind"] for row in rows} >= {"p"}
    assert misnamed(rows) == []
    # Two underscores: no resource of the service can have a table of this name.
    await admin.execute("CREATE TABLE own__things (id int CONSTRAINT my_key PRIMARY KEY, n int CHECK (n > 0))")
    assert sorted(misnamed(await admin.fetch(NAMES))) == ["my_key", "own__things_n_check"]
