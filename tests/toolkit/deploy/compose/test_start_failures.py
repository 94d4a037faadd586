"""Causes of a failed start of a stack. The outputs are from Compose 2.26 and the containers."""

import http.server
import threading

import pytest

from toolkit.deploy.compose import readiness, start_failures
from toolkit.deploy.outcomes import Failed, fail

UNHEALTHY = """\
 Container shop-db-1  Waiting
 Container shop-db-1  Error
dependency failed to start: container shop-db-1 is unhealthy"""
MIGRATE = """\
 Container shop-migrate-1  service "migrate" didn't complete successfully: exit {}
service "migrate" didn't complete successfully: exit {}"""
NO_NETWORK = """\
 pgadmin Pulling
 pgadmin Error Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host
Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: no such host"""
LIMIT = " db Pulling\nError response from daemon: toomanyrequests: You have reached your pull rate limit."
PORT = "Error response from daemon: driver failed: Bind for 127.0.0.1:8000 failed: port is already allocated"
BUILD = """\
#11 0.4 E: Unable to locate package binutil
#11 ERROR: executor failed running [/bin/sh -c apt-get install binutil]: exit code: 100
failed to solve: executor failed running [/bin/sh -c apt-get install binutil]: exit code: 100"""
VERSION = """\
FATAL:  database files are incompatible with server
DETAIL:  The data directory was initialized by PostgreSQL version 17, which is not compatible with this version 18.1."""
NO_SPACE = 'FATAL:  could not write to file "pg_wal/xlogtemp.29": No space left on device'
PASSWORD = """\
migrate: PostgreSQL rejected the password (28P01); correct it in DATABASE_URL or POSTGRES_PASSWORD (password \
authentication failed for user "postgres")"""
NO_FILE = "migrate: permission denied on the socket or on a TLS file; ~/.postgresql is read too ([Errno 13] ...)"


@pytest.mark.parametrize(
    ("output", "words", "code", "evidence", "hint"),
    [
        (NO_NETWORK, "", "REGISTRY_UNREACHABLE", "no such host", "network"),
        (LIMIT, "", "RATE_LIMITED", "toomanyrequests", "docker login"),
        (PORT, "", "PORT_TAKEN", "", "up"),
        (BUILD, "", "BUILD_FAILED", "Unable to locate package", "build again"),
        (UNHEALTHY, VERSION, "DATABASE_VERSION", "version 17", "POSTGRES_VERSION=17 >> .env"),
        (UNHEALTHY, NO_SPACE, "DISK_FULL", "No space left", "docker system df"),
        (UNHEALTHY, "FATAL: out of memory", "DATABASE_FAILED", "out of memory", "correct"),
        (MIGRATE.format(69, 69), PASSWORD, "PASSWORD_REJECTED", "password authentication failed", "password"),
        (MIGRATE.format(69, 69), NO_FILE, "DATABASE_UNREACHABLE", "~/.postgresql", "correct"),
        (MIGRATE.format(75, 75), "migrate: another one holds the lock", "MIGRATION_LOCKED", "lock", "wait"),
        (MIGRATE.format(78, 78), "LOG_LEVEL: not a level", "SETTINGS_REFUSED", "LOG_LEVEL", ".env"),
        (MIGRATE.format(1, 1), 'column "nonsense" does not exist', "MIGRATION_FAILED", "nonsense", "revision"),
        ("no configuration file provided: not found", "", "START_FAILED", "no configuration", "correct"),
        ("service db has neither an image nor a build context", "", "START_FAILED", "neither an image", "correct"),
    ],
)
def test_the_cause_and_the_next_step(output: str, words: str, code: str, evidence: str, hint: str) -> None:
    failure = start_failures.explain(output.splitlines(), lambda _: words.splitlines()).failure
    assert failure.code == code
    assert evidence in "\n".join(failure.evidence)
    assert hint in failure.hint
    assert "--volumes" not in failure.hint, "no hint erases data"


def test_waiting_reports_answers_and_not_the_noise_of_connections() -> None:
    class Answer(http.server.BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self) -> None:
            Answer.asked += 1
            if Answer.asked == 1:
                return  # closes without an answer, as the engine's port proxy does before the service listens
            body = b'{"detail": "the schema is older"}' if Answer.asked == 2 else b"{}"
            self.send_response(503 if Answer.asked == 2 else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    seen: list[str] = []
    url = f"http://127.0.0.1:{server.server_port}/ready"
    readiness.wait(url, restarts=lambda: 0, progress=seen.append, failed=lambda text: fail("X", text))
    server.shutdown()
    server.server_close()
    assert seen == [readiness.WAITING, "the schema is older"]


def test_a_service_that_keeps_crashing_is_not_waited_for() -> None:
    with pytest.raises(Failed, match="keeps crashing"):
        readiness.wait(
            "http://127.0.0.1:1/ready",
            restarts=lambda: readiness.MOST_RESTARTS + 1,
            progress=lambda _: None,
            failed=lambda text: fail("NOT_READY", text),
        )
