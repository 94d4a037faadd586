"""Two versions of a service on one PostgreSQL, with clients of both, while the revision between them runs."""

import asyncio
import http.client
import json
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from tests.support.load import Load
from tests.support.running import wait_for
from tests.support.serving import Serving, python, serving
from toolkit.dev.subprocesses import START_SECONDS

Body = Callable[[], Mapping[str, object]]
LOCK_SECONDS = 4.0  # LOCK_TIMEOUT_MS of app/db/migrations.py
WAITING = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND datname = current_database() AND application_name NOT LIKE '%-migrate'
"""


@dataclass(frozen=True)
class Version:
    """A service's folder, and what its clients send to a path: the same values in its own names."""

    service: Path
    body: Body
    path: str


@dataclass
class Seen:
    """Observations of the clients of both versions. `waited`: seconds, the longest wait of a query for a lock."""

    migration: "subprocess.CompletedProcess[str]"
    failures: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    slowest: float = 0.0
    waited: float = 0.0

    def __str__(self) -> str:
        ended = f"migration {self.migration.returncode}"
        return f"{ended}, {self.sent} requests, {dict(self.failures)}, lock {self.waited:.2f} s, {self.slowest:.2f} s"


class Clients(Load):
    """Readers and writers of one version: pages, new rows, and changes of these."""

    def __init__(self, running: Serving, version: Version) -> None:
        super().__init__(running.url, rate=20, threads=4, path=version.path, token=running.token)
        self.body = version.body

    def _ask(self, connection: http.client.HTTPConnection, *, write: bool) -> bool:
        if not write:
            return self._send(connection, "GET", f"{self.path}?limit=5")[1]
        created, closing = self._send(connection, "POST", self.path, self.body())
        if created and not closing:
            closing = self._send(connection, "PATCH", f"{self.path}/{created['id']}", self.body())[1]
        return closing

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[dict[str, Any], bool]:
        """Return the object, empty after a failure, and whether the server asks to close."""
        headers = self.headers | ({"Content-Type": "application/json"} if body else {})
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        content = json.loads(answer.read())
        if answer.status in (200, 201):
            return content, answer.will_close
        self._failed(f"{method} {answer.status} {content.get('code')}")
        return {}, answer.will_close


@contextmanager
def watched(url: str) -> Iterator[list[float]]:
    """The waits for locks of everything but the migration, sampled all the time."""
    waits, stop = [0.0], threading.Event()

    async def watch() -> None:
        connection = await asyncpg.connect(url)
        try:
            while not stop.is_set():
                waits.append(float(await connection.fetchval(WAITING)))
                await asyncio.sleep(0.02)
        finally:
            await connection.close()

    watching = threading.Thread(target=lambda: asyncio.run(watch()), daemon=True)
    watching.start()
    try:
        yield waits
    finally:
        stop.set()
        watching.join(START_SECONDS)


def call(running: Serving, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Ask one of the versions, which has to accept it."""
    parts = urlsplit(running.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        content = json.dumps(body) if body is not None else None
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {running.token}"}
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
    finally:
        connection.close()
    assert answer.status in (200, 201), f"{method} {path} {body}: {answer.status} {found}"
    return found


def roll_out(
    old: Version,
    new: Version,
    environment: Mapping[str, str],
    folder: Path,
    meet: Callable[[Serving, Serving], None] = lambda *_: None,
    requests: int = 150,
) -> Seen:
    """Migrate from `new` while `old` serves, then serve both; `meet` is called with both while their clients go on.

    `requests`: how many each of them answers after the migration. Without a migration the new version never serves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        waits = stack.enter_context(watched(environment["DATABASE_URL"]))
        ours = stack.enter_context(serving(old.service, environment, folder / "old.log"))
        theirs = stack.enter_context(serving(new.service, environment, folder / "new.log"))
        with Clients(ours, old) as first:
            enough(first, 20)
            seen = Seen(python(new.service, "-m", "alembic", "upgrade", "head", env=environment))
            clients = [first]
            if seen.migration.returncode == 0:
                wait_for(lambda: theirs.get("/ready")[0] == 200, f"{theirs.url} to be ready")
                with Clients(theirs, new) as second:
                    meet(ours, theirs)
                    enough(first, requests)
                    enough(second, requests)
                clients.append(second)
        for one in clients:
            seen.failures += one.failures
            seen.sent += one.sent
            seen.slowest = max(seen.slowest, one.slowest)
    seen.waited = max(waits)
    return seen


def enough(clients: Clients, more: int) -> None:
    goal = clients.sent + more
    wait_for(lambda: clients.sent >= goal, f"{more} more requests")
