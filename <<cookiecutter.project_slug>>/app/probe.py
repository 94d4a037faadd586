"""The health check of the container: asks /health where the service listens. Exit code 0 when it answers, or 1.

Only the standard library, and nothing of the service: it runs every few seconds, and must not take long.
"""

import http.client
import os
from pathlib import Path

SECRETS = Path("/run/secrets")
SECONDS = 2.0
# Who listens on every address is asked on this machine's own.
EVERYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104
LOOPBACK = ("127.0.0.1", "::1")


def setting(name: str) -> str:
    """A setting as the service reads it (app/core/config.py): a file of secrets wins over the environment."""
    for spelled in (name, name.lower()):
        if (SECRETS / spelled).is_file():
            return (SECRETS / spelled).read_text().strip()
    return os.environ.get(name, "").strip()


def hosts(host: str) -> tuple[str, ...]:
    """Where a service with this HOST can be asked."""
    host = host.strip("[]")
    return LOOPBACK if host in EVERYWHERE else (host,)


def answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    port = int(setting("PORT") or 8000)
    raise SystemExit(not any(answers(host, port) for host in hosts(setting("HOST"))))
