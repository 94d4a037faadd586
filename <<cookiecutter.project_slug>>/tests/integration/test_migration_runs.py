"""Migrations on a database that serves: one at a time, and without keeping the service waiting."""

import asyncio
import runpy
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from pathlib import Path

import asyncpg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.util import CommandError
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from app.core.config import Settings, get_settings
from app.db import expand, migration_faults, migrations, online
from app.db.engine import connecting_engine
from app.settings.database_url import parse_database_url
from tests.integration.test_migrations import names
from tests.support import databases
from tests.support.applications import environment
from tests.support.service import unmeasured
from tests.support.waiting import PATIENCE


@pytest.fixture
async def own_engine(own_database: str) -> AsyncIterator[AsyncEngine]:
    engine = connecting_engine(parse_database_url(own_database), poolclass=NullPool)
    yield engine
    await engine.dispose()


@pytest.fixture
async def elsewhere(empty_database: str) -> AsyncIterator[None]:
    """Another database of the same server is being migrated meanwhile."""
    connection = await asyncpg.connect(empty_database)
    await connection.execute("SELECT pg_advisory_lock($1)", migrations.LOCK_NUMBER)
    yield
    await connection.close()


def settings_of(url: str, **settings: str) -> Settings:
    with environment(url, **settings):
        return get_settings()


# One at a time.


@pytest.mark.parametrize("locked", [True, False])
async def test_two_migrations_at_once_run_one_after_the_other(
    empty_database: str, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    if not locked:
        monkeypatch.setattr(migrations, "migration_lock", lambda *_: nullcontext())
    running: list[int] = []
    most = 0

    def run(connection: Connection) -> None:
        nonlocal most
        running.append(1)
        most = max(most, len(running))
        connection.execute(text("SELECT pg_sleep(1)"))
        running.pop()

    settings = settings_of(empty_database)
    await asyncio.gather(migrations.migrate(settings, run), migrations.migrate(settings, run))
    assert most == (1 if locked else 2)


@pytest.mark.usefixtures("elsewhere")
async def test_a_migration_that_waited_too_long_names_who_holds_it_up(
    own_database: str, admin: asyncpg.Connection
) -> None:
    await admin.execute("SELECT pg_advisory_lock($1)", migrations.LOCK_NUMBER)
    pid = await admin.fetchval("SELECT pg_backend_pid()")
    settings = settings_of(own_database, MIGRATION_WAIT_SECONDS="0.1")
    with pytest.raises(migrations.MigrationLockHeld, match=rf"the other one \(pid {pid}, from ") as held:
        await migrations.migrate(settings, lambda _connection: None)
    assert held.value.code == 75
    await admin.execute("SELECT pg_advisory_unlock($1)", migrations.LOCK_NUMBER)
    await migrations.migrate(settings, lambda _connection: None)


async def test_exit_75(own_database: str, admin: asyncpg.Connection) -> None:
    await admin.execute("SELECT pg_advisory_lock($1)", migrations.LOCK_NUMBER)
    variables = {**unmeasured(), "DATABASE_URL": own_database, "MIGRATION_WAIT_SECONDS": "0"}
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=databases.ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 75, done.stderr
    assert "the other one (pid " in done.stderr
    assert "Traceback" not in done.stderr


# Beside a service that works.


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_MS", 100)
    monkeypatch.setattr(migrations, "ATTEMPTS", 2)


@pytest.mark.usefixtures("impatient")
async def test_a_table_that_is_in_use_is_tried_again(
    own_database: str, admin: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = 0

    def run(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        connection.execute(text("ALTER TABLE idempotency_keys ADD COLUMN extra int"))

    async with admin.transaction():
        await admin.execute("SELECT count(*) FROM idempotency_keys")
        migration = asyncio.create_task(migrations.migrate(settings_of(own_database), run))
        said = ""
        async with asyncio.timeout(PATIENCE):
            while "retrying" not in said:
                await asyncio.sleep(0.01)
                said += capsys.readouterr().err
    await migration
    assert tries == 2
    assert "extra" in await names(own_database, "SELECT attname FROM pg_attribute WHERE attname = 'extra'")


@pytest.mark.usefixtures("impatient")
async def test_a_table_that_stays_in_use_ends_the_migration(own_database: str, admin: asyncpg.Connection) -> None:
    def run(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE idempotency_keys ADD COLUMN extra int"))

    async with admin.transaction():
        await admin.execute("SELECT count(*) FROM idempotency_keys")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await migrations.migrate(settings_of(own_database), run)
        # Nobody waits behind the migration for the table.
        await names(own_database, "SELECT 1 FROM idempotency_keys")


# Indexes.


async def run_online(engine: AsyncEngine, change: Callable[[], None]) -> None:
    """As a revision does it."""

    def run(connection: Connection) -> None:
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
        with context.begin_transaction(_per_migration=True), Operations.context(context):
            change()

    async with engine.connect() as connection:
        await connection.run_sync(run)


async def make_index(engine: AsyncEngine, name: str, columns: list[str], *, unique: bool = False) -> None:
    await run_online(engine, lambda: online.create_index_concurrently(name, "own__things", columns, unique=unique))


async def test_an_invalid_index_fails_the_migration_and_is_recreated(
    own_database: str, own_engine: AsyncEngine, admin: asyncpg.Connection
) -> None:
    await migrations.migrate(settings_of(own_database), lambda _connection: None)  # there is none so far
    await admin.execute("CREATE TABLE own__things (n int); INSERT INTO own__things VALUES (1), (1)")
    with pytest.raises(DBAPIError, match="could not create unique index"):
        await make_index(own_engine, "ix_own__things_n", ["n"], unique=True)
    with pytest.raises(RuntimeError, match="invalid indexes after the migration: ix_own__things_n;"):
        await migrations.migrate(settings_of(own_database), lambda _connection: None)
    await admin.execute("DELETE FROM own__things")
    # What is usual instead keeps the wreck and says that all is well.
    await admin.execute("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix_own__things_n ON own__things (n)")
    with pytest.raises(RuntimeError, match="ix_own__things_n"):
        await migrations.migrate(settings_of(own_database), lambda _connection: None)
    await make_index(own_engine, "ix_own__things_n", ["n"], unique=True)
    await migrations.migrate(settings_of(own_database), lambda _connection: None)


# Constraints.


async def test_a_check_is_replaced_and_holds_for_the_rows_that_are_there(
    own_engine: AsyncEngine, admin: asyncpg.Connection
) -> None:
    await admin.execute(
        "CREATE TABLE own__things (n text CONSTRAINT ck_own__things_n CHECK (n <> ''));"
        "INSERT INTO own__things VALUES ('a:b')"
    )
    await run_online(
        own_engine, lambda: online.create_check("ck_own__things_n", "own__things", "n ~ '^a:b' OR n = ':c'::text")
    )
    assert await admin.fetchval("SELECT convalidated FROM pg_constraint WHERE conname = 'ck_own__things_n'")
    with pytest.raises(asyncpg.CheckViolationError):
        await admin.execute("INSERT INTO own__things VALUES ('b')")
    # A CHECK that rows break would stay, not valid: the row could not be updated. The old one holds.
    with pytest.raises(online.RowsBreakRule, match=r"1 row of own__things breaks ck_own__things_n .*: ctid \(0,1\)"):
        await run_online(own_engine, lambda: online.create_check("ck_own__things_n", "own__things", "n = ':c'"))
    await admin.execute("UPDATE own__things SET n = ':c'")
    # What an interrupted attempt has left is no obstacle.
    await admin.execute("ALTER TABLE own__things ADD CONSTRAINT ck_left CHECK (n = ':c') NOT VALID")
    await run_online(own_engine, lambda: online.create_check("ck_left", "own__things", "n = ':c'"))


async def test_a_unique_constraint_is_made_from_an_index_and_made_again(
    own_engine: AsyncEngine, admin: asyncpg.Connection
) -> None:
    await admin.execute("CREATE TABLE own__things (n int); INSERT INTO own__things VALUES (1), (1), (2), (NULL)")
    with pytest.raises(online.RowsBreakRule, match=r"has 1 duplicate value of \(n\), .*: '1' in 2 rows$"):
        await run_online(own_engine, lambda: online.create_unique("uq_own__things_n", "own__things", ["n"]))
    await admin.execute("DELETE FROM own__things")
    for _ in range(2):
        await run_online(own_engine, lambda: online.create_unique("uq_own__things_n", "own__things", ["n"]))
    assert await admin.fetchval("SELECT contype FROM pg_constraint WHERE conname = 'uq_own__things_n'") == b"u"


async def test_a_reference_is_validated_apart_from_being_added(
    own_engine: AsyncEngine, admin: asyncpg.Connection
) -> None:
    await admin.execute("CREATE TABLE own__others (id int PRIMARY KEY); CREATE TABLE own__things (n int PRIMARY KEY)")

    async def refer() -> None:
        names = ("fk_own__things_n", "own__things", "own__others")
        await run_online(own_engine, lambda: online.create_foreign_key(*names, ["n"], ["id"]))

    await admin.execute("INSERT INTO own__things SELECT generate_series(1, 7)")
    with pytest.raises(online.RowsBreakRule, match=r"7 rows of own__things break fk_.*: n 1; 2; 3; 4; 5; and more$"):
        await refer()
    await admin.execute("DELETE FROM own__things")
    for _ in range(2):
        await refer()
    assert await admin.fetchval("SELECT convalidated FROM pg_constraint WHERE conname = 'fk_own__things_n'")


# Two versions of the code on one table.

OWN_THINGS = """
    CREATE TABLE own__things (id int PRIMARY KEY, name text NOT NULL, kind text DEFAULT 'a');
    INSERT INTO own__things VALUES (1, 'x', 'a'), (2, 'long name', 'lost');
"""


async def test_a_rule_that_fails_its_validation_is_dropped(
    own_engine: AsyncEngine, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await admin.execute(OWN_THINGS)
    await admin.execute("UPDATE own__things SET name = 'same'")
    check = ("ck_own__things_id", "own__things", "id > 9")
    with pytest.raises(online.RowsBreakRule, match="2 rows of own__things break ck_own__things_id"):
        await run_online(own_engine, lambda: online.create_check(*check, looser=True))  # without the count
    monkeypatch.setattr(online, "_refuse_duplicates", lambda *_: None)
    with pytest.raises(online.RowsBreakRule, match="run the migration again"):
        await run_online(own_engine, lambda: online.create_unique("uq_own__things_name", "own__things", ["name"]))
    await admin.execute("INSERT INTO own__things (id, name) VALUES (3, 'same')")


async def test_both_names_of_a_column_are_kept_equal(
    own_engine: AsyncEngine, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expand, "BATCH", 1)
    await admin.execute(f"{OWN_THINGS} ALTER TABLE own__things ADD COLUMN title text")

    def rename() -> None:
        expand.rename_column("own__things", "name", "title")
        expand.require_column("own__things", "title")

    for _ in range(2):  # again, as after an interruption
        await run_online(own_engine, rename)
    await admin.execute(
        "INSERT INTO own__things (id, name) VALUES (3, 'old'); UPDATE own__things SET title = 'new' || id"
    )
    same = "SELECT bool_and(name = title) FROM own__things"
    assert await admin.fetchval(same)
    await run_online(own_engine, lambda: expand.drop_trigger("own__things", "name", "title"))
    await admin.execute("UPDATE own__things SET title = 'apart'")
    assert not await admin.fetchval(same)


async def test_a_required_column_is_filled_for_older_code(own_engine: AsyncEngine, admin: asyncpg.Connection) -> None:
    await admin.execute(f"{OWN_THINGS} ALTER TABLE own__things ADD COLUMN size int")
    await run_online(own_engine, lambda: expand.require_column("own__things", "size", "length(name)"))
    await admin.execute("INSERT INTO own__things (id, name) VALUES (3, 'old')")
    assert [row["size"] for row in await admin.fetch("SELECT size FROM own__things ORDER BY id")] == [1, 9, 3]
    await run_online(own_engine, lambda: expand.set_not_null("own__things", "size"))
    with pytest.raises(asyncpg.NotNullViolationError):
        await admin.execute("INSERT INTO own__things (id, name) VALUES (4, 'new')")


async def test_a_narrower_column_and_a_removed_value(own_engine: AsyncEngine, admin: asyncpg.Connection) -> None:
    await admin.execute(f"{OWN_THINGS} ALTER TABLE own__things ADD COLUMN price numeric(6, 2)")

    def narrow() -> None:
        expand.replace_values("own__things", "kind", {"lost": "a"})
        expand.narrow_column("own__things", "name", "varchar(9)")
        expand.narrow_column("own__things", "price", "numeric(3, 1)")

    await run_online(own_engine, narrow)
    assert await admin.fetchval("SELECT array_agg(DISTINCT kind) FROM own__things") == ["a"]
    for change in (
        "UPDATE own__things SET name = 'ten letters'",
        "UPDATE own__things SET price = 1.25",
        "UPDATE own__things SET price = 100",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await admin.execute(change)
    await run_online(own_engine, lambda: expand.undo_narrow_column("own__things", "price"))
    await admin.execute("UPDATE own__things SET price = 1.25")


async def test_a_renamed_table_has_a_view_under_its_old_name(
    own_engine: AsyncEngine, admin: asyncpg.Connection
) -> None:
    await admin.execute(OWN_THINGS)
    names = {"own__things_pkey": "pk_own__objects"}
    for _ in range(2):
        await run_online(own_engine, lambda: expand.rename_table("own__things", "own__objects", indexes=names))
    await admin.execute("INSERT INTO own__things (id, name) VALUES (3, 'old') ON CONFLICT (id) DO NOTHING")
    assert await admin.fetchval("SELECT count(*) FROM own__objects") == 3
    for change in (online.widen_column, online.restore_type):
        await run_online(own_engine, lambda change=change: change("own__objects", "name", "varchar(40)"))
    await run_online(own_engine, lambda: expand.drop_view("own__things"))
    assert await admin.fetchval("SELECT to_regclass('own__things')") is None


# Messages of failed migrations.


def test_a_fault_is_one_line_with_its_place_and_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('revision = "a"\n\ndef upgrade():\n    raise error\n')

    def said(error: Exception) -> str | None:
        try:
            runpy.run_path(str(tmp_path / "a.py"), {"error": error})["upgrade"]()
        except Exception as raised:
            return migration_faults.of_revision(raised, tmp_path)
        return None

    place = "alembic/versions/a.py:4"
    rows = "Correct those rows, then migrate again."
    assert said(online.RowsBreakRule("3 rows\nbreak it")) == f"{place}: 3 rows break it. {rows}"
    assert said(ValueError("no")) == f"{place} failed: ValueError: no. Correct the revision, then migrate again."
    twice = DBAPIError("", None, asyncpg.UniqueViolationError("twice"))
    assert said(twice) == f"{place} failed: twice. Rows have the same value. {rows}"
    assert migration_faults.of_revision(ValueError("elsewhere"), tmp_path) is None
    found = migration_faults.of_command(CommandError("?"), ["b"], make_url("postgresql:///shop"), tmp_path)
    assert found.startswith("the database shop is at revision b, which alembic/versions does not have")
    (tmp_path / "b.py").write_text('revision = "b"\n')
    found = migration_faults.of_command(CommandError("Multiple heads"), [], make_url("postgresql:///shop"), tmp_path)
    assert "has two heads: a (a.py) and b (b.py)" in found
