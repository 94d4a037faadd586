"""TLS to a PostgreSQL with a private authority: what works, and what each fault is called."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.core.database import Database, make_engine
from app.db.connecting import NotConnected
from tests.support.bakery import Bakery
from tests.support.certificates import Authority, Signed
from tests.support.running import wait_for
from tests.support.secure import PROGRAMS, secure_server
from tests.support.serving import python, serving
from toolkit.dev.postgres import scratch

pytestmark = [
    pytest.mark.needs("postgresql"),
    # And where the loop has ended before, the transport says so when it is collected.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.skipif(not PROGRAMS, reason="there is no /usr/lib/postgresql here: apt-get install postgresql"),
]
IN_USE = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
ROLES = (
    "CREATE ROLE shop LOGIN PASSWORD 'odd-Password'",
    "CREATE ROLE certified LOGIN",
    "CREATE DATABASE shop OWNER shop",
)


@dataclass(frozen=True)
class Place:
    """A server whose certificate is for `localhost` alone, and what clients may have."""

    port: str
    socket: str
    ours: Path
    another: Path
    client: Signed
    foreign: Signed

    def url(self, query: str, *, host: str = "localhost", user: str = "shop:odd-Password") -> str:
        return f"postgresql://{user}@{host}:{self.port}/shop?{query}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("tls")
    ours, another = Authority(folder, "ours"), Authority(folder, "another")
    with secure_server(ours.sign("server", "localhost"), ours.certificate) as server:
        scratch.execute(server.socket, *ROLES)
        port = server.address.partition(":")[2]
        yield Place(
            port, server.socket, ours.certificate, another.certificate, ours.sign("certified"), another.sign("foreign")
        )


def in_use(**settings: str) -> bool:
    """Return True if a connection with these settings is encrypted. Raises NotConnected."""
    secret = {name: SecretStr(value) if name == "database_url" else value for name, value in settings.items()}

    async def ask() -> bool:
        database = Database(make_engine(Settings.model_validate(secret)))
        try:
            return bool(await database.read(lambda connection: connection.driver.fetchval(IN_USE)))
        finally:
            await database.stop()
            for _ in range(3):  # asyncpg leaves the end of a refused connection's transport to the loop
                await asyncio.sleep(0)

    return asyncio.run(ask())


def test_the_whole_chain_and_the_host_are_verified(place: Place) -> None:
    assert in_use(database_url=place.url(f"sslmode=verify-full&sslrootcert={place.ours}"))


def test_by_settings_of_their_own(place: Place) -> None:
    """As users of POSTGRES_* have it, and as the pods complete a URL that says nothing of TLS."""
    tls = {"postgres_sslmode": "verify-full", "postgres_sslrootcert": str(place.ours)}
    parts = {"postgres_server": "localhost", "postgres_port": place.port, "postgres_user": "shop"}
    assert in_use(**parts, **tls, postgres_password="odd-Password", postgres_db="shop")
    assert in_use(database_url=place.url(""), **tls)
    with pytest.raises(NotConnected, match="certificate was not accepted"):
        in_use(database_url=place.url(""), **{**tls, "postgres_sslrootcert": str(place.another)})
    # What the URL says itself wins.
    assert in_use(database_url=place.url(f"sslrootcert={place.ours}"), **{**tls, "postgres_sslrootcert": "/nowhere"})


def test_a_certificate_in_place_of_a_password(place: Place) -> None:
    query = f"sslmode=verify-full&sslrootcert={place.ours}"
    given = f"{query}&sslcert={place.client.certificate}&sslkey={place.client.key}"
    assert in_use(database_url=place.url(given, user="certified"))
    with pytest.raises(NotConnected, match="requires a valid client certificate"):
        in_use(database_url=place.url(query, user="certified"))
    foreign = f"{query}&sslcert={place.foreign.certificate}&sslkey={place.foreign.key}"
    with pytest.raises(NotConnected, match="may have rejected sslcert"):
        in_use(database_url=place.url(foreign, user="certified"))
    swapped = f"{query}&sslcert={place.client.certificate}&sslkey={place.foreign.key}"
    with pytest.raises(NotConnected, match="key values mismatch"):
        in_use(database_url=place.url(swapped, user="certified"))


@pytest.mark.parametrize(
    ("query", "host", "words"),
    [
        ("sslmode=verify-full&sslrootcert={another}", "localhost", "self-signed certificate in certificate chain"),
        ("sslmode=verify-full&sslrootcert={ours}", "127.0.0.1", "certificate is not valid for '127.0.0.1'"),
        ("sslmode=verify-full&sslrootcert=/etc/passwd", "localhost", "no certificate or crl found"),
        ("sslmode=disable", "localhost", "correct the user or sslmode"),
    ],
    ids=["wrong authority", "wrong host", "no certificate", "no TLS"],
)
def test_what_is_wrong_is_named(place: Place, query: str, host: str, words: str) -> None:
    url = place.url(query.format(ours=place.ours, another=place.another), host=host)
    with pytest.raises(NotConnected) as caught:
        in_use(database_url=url)
    assert words in str(caught.value)
    assert caught.value.cause.refused
    assert "start it" not in str(caught.value)
    assert "odd-Password" not in str(caught.value)


def test_another_authority_is_no_fault_where_nothing_is_verified(place: Place) -> None:
    """The negative control: these faults come from the verification."""
    assert in_use(database_url=place.url("sslmode=require"))


def test_a_service_and_its_migrations(bakery: Bakery, place: Place, tmp_path: Path) -> None:
    service = bakery.bake()
    good = place.url(f"sslmode=verify-full&sslrootcert={place.ours}")
    bad = place.url(f"sslmode=verify-full&sslrootcert={place.another}")
    lost = place.url("sslmode=verify-full&sslrootcert=/nowhere/ca.crt")
    base = {**bakery.environment, "ENVIRONMENT": "test"}

    def ended(*arguments: str, url: str) -> tuple[int, str]:
        done = python(service, *arguments, env={**base, "DATABASE_URL": url})
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr + done.stdout

    upgrade = ("-m", "alembic", "upgrade", "head")
    for command in (upgrade, ("tasks.py", "migrate")):
        code, said = ended(*command, url=bad)
        assert code == 78, said
        assert "the database's certificate was not accepted" in said
        code, said = ended(*command, url=lost)
        assert code == 78, said
        assert "/nowhere/ca.crt does not exist" in said
    code, said = ended("-m", "app", url=lost)
    assert (code, "DATABASE_URL: sslrootcert: /nowhere/ca.crt does not exist" in said) == (78, True), said
    assert ended(*upgrade, url=good)[0] == 0
    with serving(service, {**base, "DATABASE_URL": good}, tmp_path / "log") as running:
        assert running.get("/ready")[0] == 200
        assert running.get("/api/v1/products")[0] == 200
    with serving(service, {**base, "DATABASE_URL": bad}, tmp_path / "log2") as running:
        status, problem = running.get("/ready")
        assert (status, problem["code"]) == (503, "database_refused")
        assert "certificate was not accepted" in problem["detail"]
        assert running.get("/api/v1/products")[0] == 503


@pytest.mark.drill
def test_a_rotated_password(place: Place, tmp_path: Path, bakery: Bakery) -> None:
    """Once its connections are gone, a running service is refused: 503 with the reason, until it has the password."""
    service, url = bakery.bake(), place.url(f"sslmode=verify-full&sslrootcert={place.ours}")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'"
    variables = {**bakery.environment, "ENVIRONMENT": "test", "DATABASE_URL": url}
    assert python(service, "-m", "alembic", "upgrade", "head", env=variables).returncode == 0
    with serving(service, variables, tmp_path / "log") as running:
        assert running.get("/ready")[0] == 200
        scratch.execute(place.socket, "ALTER ROLE shop PASSWORD 'another'", end)
        try:
            wait_for(lambda: running.get("/ready")[0] == 503, "/ready notices")
            status, problem = running.get("/ready")
            assert (status, problem["code"]) == (503, "database_refused")
            assert "rejected the password (28P01)" in problem["detail"]
            status, problem = running.get("/api/v1/products")
            assert (status, problem["code"]) == (503, "database_unavailable")
        finally:
            scratch.execute(place.socket, "ALTER ROLE shop PASSWORD 'odd-Password'")
        assert running.get("/ready")[0] == 200
        assert running.get("/api/v1/products")[0] == 200
