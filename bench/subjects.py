"""The applications compared: the generated service as in production, the ceiling and the bare one, on one database."""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import jwt

from bench.process import Server, serving

BENCH = Path(__file__).resolve().parent
KEY = "the-key-of-a-benchmark-and-of-nothing-else"
ISSUER = "urn:bench"
AUDIENCE = "bench"
ROWS = 100_000

FILL = """INSERT INTO products (id, created_at, updated_at, name, description, price, stock)
    SELECT gen_random_uuid(), moment, moment, 'Product ' || n, 'A product that was made to be counted, number ' || n,
           1 + n % 10000 / 100.0, n % 1000
    FROM generate_series(1, $1::int) AS n, LATERAL (SELECT now() - n * interval '1 second' AS moment) AS moments"""


@dataclass(frozen=True)
class Service:
    """A baked service (default answers) and a migrated database with `ROWS` products."""

    folder: Path
    database_url: str
    ids: tuple[str, ...]
    scratch: Path

    @property
    def python(self) -> str:
        """Environment of all applications: the packages of the service's image, without developers' packages."""
        return str(_production(self.scratch) / "bin" / "python")

    @property
    def environment(self) -> dict[str, str]:
        """Return production settings: tokens, metrics, a JSON log, security headers; no drain, which takes 15 s."""
        return {
            "ENVIRONMENT": "production",
            "DATABASE_URL": self.database_url,
            "JWT_ALGORITHMS": "HS256",
            "JWT_KEY": KEY,
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "LOG_LEVEL": "INFO",
            "DRAIN_SECONDS": "0",
            "HOST": "127.0.0.1",
        }

    @contextmanager
    def running(self) -> Iterator[Server]:
        with serving([self.python, "-m", "app"], self.environment, self.folder, self.scratch / "service.log") as server:
            yield server

    @contextmanager
    def ceiling(self) -> Iterator[Server]:
        with self._beside("ceiling.py") as server:
            yield server

    @contextmanager
    def bare(self) -> Iterator[Server]:
        with self._beside("bare.py") as server:
            yield server

    @contextmanager
    def _beside(self, name: str) -> Iterator[Server]:
        command = [self.python, str(BENCH / name), "{port}"]
        log = (self.scratch / name).with_suffix(".log")
        with serving(command, {"DATABASE_URL": self.database_url}, self.folder, log) as server:
            yield server


@contextmanager
def service(folder: Path, scratch: Path) -> Iterator[Service]:
    """Start the service in `folder` on its own embedded PostgreSQL, migrated and filled."""
    _install(folder, scratch)
    sys.path.append(str(folder))
    postgres = importlib.import_module("toolkit.dev.postgres.run")
    with postgres.scratch() as url:
        made = Service(folder, url, (), scratch)
        subprocess.run(
            [made.python, "-m", "toolkit.dev.migrations.upgrade", "upgrade"],
            cwd=folder,
            env=made.environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        yield Service(folder, url, asyncio.run(_fill(url)), scratch)


def _production(scratch: Path) -> Path:
    return scratch / "production"


def _install(folder: Path, scratch: Path) -> None:
    """Install the locked packages of the service, from uv's cache. Raises RuntimeError with uv's output."""
    command = [sys.executable, "-m", "uv", "sync", "--frozen", "--no-dev", "--quiet", "--python", sys.executable]
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(_production(scratch)), "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"The environment of the service could not be created:\n{done.stderr[-2000:]}")


async def _fill(url: str) -> tuple[str, ...]:
    """Create the rows; returns a thousand ids from all parts of the table."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(FILL, ROWS)
        await connection.execute("VACUUM ANALYZE products")
        rows = await connection.fetch("SELECT id FROM products ORDER BY id LIMIT 1000")
    finally:
        await connection.close()
    return tuple(str(row["id"]) for row in rows)


def token() -> str:
    now = int(time.time())
    claims = {"sub": "bench", "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 7200}
    return jwt.encode({**claims, "scope": "products:read products:write"}, KEY, algorithm="HS256")
