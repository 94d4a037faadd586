"""A database that refuses the service while it runs: 503, and `/ready` gives the reason until it lets it in again."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.api.dependencies import DatabaseDep, SessionDep
from app.api.routing import Router, include
from app.api.v1.endpoints import health
from app.core.security import public
from tests.support import databases
from tests.support.applications import application, client_of
from tests.support.problems import assert_problem

router = Router(prefix="/asking", dependencies=[public])


@router.get("/read")
async def read(database: DatabaseDep) -> int:
    found: int = await database.read(lambda connection: connection.driver.fetchval("SELECT 1"))
    return found


@router.get("/write")
async def write(database: DatabaseDep) -> int:
    found: int = await database.write(lambda connection: connection.driver.fetchval("SELECT 1"))
    return found


@router.get("/session")
async def session(session: SessionDep) -> int:
    return int(await session.scalar(text("SELECT 1")) or 0)


PATHS = ("/asking/read", "/asking/write", "/asking/session")


@dataclass(frozen=True)
class Setup:
    """A running application, a client, and the names of its own database and role."""

    app: FastAPI
    http: AsyncClient
    database: str
    role: str

    async def run(self, *statements: str) -> None:
        """Statements of an administrator, after which no connection of before is left."""
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        names = {"database": self.database, "role": self.role}
        await databases.execute(*(statement.format_map(names) for statement in (*statements, end)))


@pytest.fixture
async def setup(own_database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setup]:
    monkeypatch.setattr(health, "ASK_AGAIN_SECONDS", 0.0)
    role = f"test_{uuid.uuid4().hex[:12]}"
    try:
        await databases.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{role}'")
    except asyncpg.InsufficientPrivilegeError:
        pytest.skip("the user of DATABASE_URL must not create roles")
    address = urlsplit(own_database)
    grant = "GRANT SELECT ON alembic_version TO {role}"
    connection = await asyncpg.connect(own_database)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) PRIMARY KEY)")
        await connection.execute(grant.format(role=role))
    finally:
        await connection.close()
    url = urlunsplit(address._replace(netloc=f"{role}:{role}@{address.netloc.rpartition('@')[2]}"))
    async with application(url) as app:
        include(app, [router], "")
        app.state.lifecycle.started = True
        async with client_of(app) as http:
            yield Setup(app, http, address.path.removeprefix("/"), role)
    await databases.drop(own_database)
    await databases.execute(f"DROP ROLE {role}")


async def serves(setup: Setup) -> None:
    assert (await setup.http.get("/ready")).status_code == 200
    for path in PATHS:
        assert (await setup.http.get(path)).json() == 1


@pytest.mark.parametrize(
    ("refuse", "admit", "reason"),
    [
        ("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN", "does not admit this user (28000)"),
        (
            'REVOKE CONNECT ON DATABASE "{database}" FROM PUBLIC',
            'GRANT CONNECT ON DATABASE "{database}" TO PUBLIC',
            "may not connect to this database (42501)",
        ),
        (
            'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false',
            'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true',
            "does not allow connections (55000)",
        ),
        (
            'ALTER DATABASE "{database}" RENAME TO "{database}_away"',
            'ALTER DATABASE "{database}_away" RENAME TO "{database}"',
            "does not exist (3D000)",
        ),
    ],
)
async def test_a_refusal_is_503_and_takes_readiness_back(setup: Setup, refuse: str, admit: str, reason: str) -> None:
    await serves(setup)
    await setup.run()
    await setup.run(refuse)
    for path in PATHS:
        answer = await setup.http.get(path)
        assert_problem(answer, 503, "database_unavailable")
        assert "Retry-After" in answer.headers
    answer = await setup.http.get("/ready")
    assert_problem(answer, 503, "database_refused")
    assert reason in answer.json()["detail"]
    assert setup.role not in answer.text
    assert not setup.app.state.lifecycle.ready
    await setup.run(admit)
    await serves(setup)


@pytest.mark.parametrize(
    ("begin", "end", "paths"),
    [
        ("ALTER ROLE {role} CONNECTION LIMIT 0", "ALTER ROLE {role} CONNECTION LIMIT -1", PATHS),  # 53300
        # 25006, for what writes
        (
            'ALTER DATABASE "{database}" SET default_transaction_read_only = on',
            'ALTER DATABASE "{database}" RESET default_transaction_read_only',
            ("/asking/insert",),
        ),
    ],
)
async def test_an_outage_is_503_and_keeps_readiness(setup: Setup, begin: str, end: str, paths: tuple[str, ...]) -> None:
    """All instances have the same database, and each of them can say so."""

    @setup.app.get("/asking/insert", operation_id="insert", dependencies=[public])
    async def insert(database: DatabaseDep) -> str:
        statement = "CREATE TABLE refused (x int)"
        done: str = await database.write(lambda connection: connection.driver.execute(statement))
        return done

    await serves(setup)
    await setup.run(begin)
    for path in paths:
        assert_problem(await setup.http.get(path), 503, "database_unavailable")
    assert (await setup.http.get("/ready")).status_code == 200
    await setup.run(end)
    await serves(setup)


async def test_connections_that_were_ended_cost_no_read(setup: Setup) -> None:
    """57P01: an administrator, or a server that restarts."""
    await serves(setup)
    await setup.run()
    await serves(setup)
