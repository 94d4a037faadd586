"""A service behind PgBouncer, which hands each connection of the server to many clients."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.support.bakery import Bakery
from tests.support.load import Load
from tests.support.pooler import PROGRAM, pooled
from tests.support.running import wait_for
from tests.support.serving import Serving, python, serving
from toolkit.dev.postgres import files
from toolkit.dev.postgres import run as postgres

pytestmark = [
    pytest.mark.needs("pgbouncer"),
    pytest.mark.skipif(not PROGRAM, reason="there is no pgbouncer here: apt-get install pgbouncer"),
]
CLIENTS = 50
MODES = [pytest.param("session", marks=pytest.mark.drill), "transaction"]
# Everything that asyncpg and the service say at the start, so that the next fault can be seen.
IGNORED = "statement_timeout, lock_timeout, idle_in_transaction_session_timeout, jit, search_path, extra_float_digits"
REVISION = '''"""An index, beside a service that writes."""

from app.db.migrations import create_index_concurrently

revision, down_revision = "beside", "{head}"


def upgrade() -> None:
    create_index_concurrently("ix_products_beside", "products", ["stock"])


def downgrade() -> None: ...
'''


class Place:
    """A database at the schema's head, a folder that PgBouncer's user can read, and the variables of a service."""

    def __init__(self, service: Path, folder: Path, direct: str, environment: dict[str, str]) -> None:
        self.service, self.folder, self.direct, self.environment = service, folder, direct, environment

    def variables(self, url: str, **more: str) -> dict[str, str]:
        return {**self.environment, "DATABASE_URL": url, "POOL_TIMEOUT_SECONDS": "30", **more}

    def through(self, url: str, **more: str) -> dict[str, str]:
        return self.variables(url, DATABASE_POOLER="true", MIGRATION_DATABASE_URL=self.direct, **more)

    def migrate(self, variables: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        return python(self.service, "-m", "alembic", "upgrade", "head", env=variables)


@pytest.fixture
def place(bakery: Bakery, tmp_path: Path) -> Iterator[Place]:
    service = tmp_path / "product-catalogue"
    bakery.copy(bakery.bake(), service)
    folder = Path(tempfile.mkdtemp(dir=files.temporary()))
    folder.chmod(0o755)
    try:
        with postgres.scratch() as direct:
            place = Place(service, folder, direct, {**bakery.environment, "ENVIRONMENT": "test"})
            done = place.migrate(place.variables(direct))
            assert done.returncode == 0, done.stderr
            yield place
    finally:
        shutil.rmtree(folder)


def write_revision(service: Path) -> None:
    versions = service / "alembic" / "versions"
    [first] = versions.glob("*.py")
    head = first.stem.split("_")[1]
    (versions / "20990101_beside.py").write_text(REVISION.format(head=head))


def during_a_lock(url: str, ask: Callable[[], tuple[int, dict[str, str]]]) -> tuple[int, dict[str, str]]:
    """Return the response to a request while another transaction has locked the table."""

    async def run() -> tuple[int, dict[str, str]]:
        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
                return await asyncio.to_thread(ask)
        finally:
            await connection.close()

    return asyncio.run(run())


def hits(running: Serving, limit: str, place: Place, sqlstate: str) -> None:
    """The limit ends a request that waits for a lock; which one it was is in the log."""
    status, problem = during_a_lock(place.direct, lambda: running.get("/api/v1/products"))
    assert (status, problem["code"]) == (503, "database_timeout"), f"{limit}: {problem}"
    assert sqlstate in running.log.read_text()


@pytest.mark.alone  # it serves under load
@pytest.mark.parametrize("mode", MODES)
def test_clients_migrations_and_limits(place: Place, tmp_path: Path, mode: str) -> None:
    with pooled(place.direct, place.folder, mode) as url:
        variables = place.through(url, LOCK_TIMEOUT_MS="300", STATEMENT_TIMEOUT_MS="60000")
        with serving(place.service, variables, tmp_path / "log") as running:
            assert running.get("/ready")[0] == 200
            with Load(running.url, rate=CLIENTS, threads=CLIENTS, token=running.token) as load:
                wait_for(lambda: load.sent > 4 * CLIENTS, "requests of every client")
                write_revision(place.service)
                done = place.migrate(variables)
                sent = load.sent
                wait_for(lambda: load.sent > sent + 2 * CLIENTS, "requests after the migration")
            assert done.returncode == 0, done.stderr
            assert not load.failures, f"{load.failures}\n{running.log.read_text()[-3000:]}"
            hits(running, "lock_timeout", place, "55P03")
        variables = place.through(url, LOCK_TIMEOUT_MS="60000", STATEMENT_TIMEOUT_MS="300")
        with serving(place.service, variables, tmp_path / "log2") as running:
            hits(running, "statement_timeout", place, "57014")


@pytest.mark.parametrize(
    ("ignored", "reason", "words"),
    [
        ("", "a connection pooler rejects start-up parameters", "unsupported startup parameter"),
        pytest.param(
            IGNORED,
            "a connection pooler shares prepared statements between clients",
            "prepared statement",
            marks=pytest.mark.drill,
        ),
    ],
)
def test_without_the_setting_each_place_says_what_to_set(
    place: Place, tmp_path: Path, ignored: str, reason: str, words: str
) -> None:
    """The negative control, in transaction mode: PgBouncer as installed, and told to ignore the parameters."""
    settings = {"ignore_startup_parameters": ignored} if ignored else {}
    with (
        pooled(place.direct, place.folder, "transaction", **settings) as url,
        serving(place.service, place.variables(url), tmp_path / "log") as running,
    ):
        with Load(running.url, rate=200, threads=10, token=running.token) as load:
            wait_for(lambda: load.failures or load.sent > 5000, "a request that fails")
        assert set(load.failures) == {"status 503"}
        [line, *_] = [text for text in running.log.read_text().splitlines() if "DATABASE_POOLER=true" in text]
        assert reason in line
        assert words in line
        if not ignored:  # if it ignores them, the result of /ready is random
            status, problem = running.get("/ready")
            assert (status, problem["code"]) == (503, "database_refused")
            assert reason in problem["detail"]


def test_a_migration_needs_an_address_past_the_pooler(place: Place) -> None:
    variables = place.variables(place.direct, DATABASE_POOLER="true")
    done = place.migrate(variables)
    assert done.returncode == 78
    assert "MIGRATION_DATABASE_URL is not set" in done.stderr
    assert "Traceback" not in done.stderr
