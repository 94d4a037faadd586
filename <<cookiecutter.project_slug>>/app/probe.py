"""The container's health check: requests /health from the service. Exit code 0 for a response, else 1.

It imports the standard library only, nothing of the service: it runs every few seconds and must be fast.
"""

import http.client
import os
from pathlib import Path

SECRETS = Path("/run/secrets")
SECONDS = 2.0
# A service on every address is reached on the loopback address.
EVERYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104
LOOPBACK = ("127.0.0.1", "::1")


def setting(name: str) -> str:
    """Return a setting as the service reads it (app/core/config.py): a secrets file overrides the environment."""
    for spelled in (name, name.lower()):
        if (SECRETS / spelled).is_file():
            return (SECRETS / spelled).read_text().strip()
    return os.environ.get(name, "").strip()


def hosts(host: str) -> tuple[str, ...]:
    """Return the address on which a service with this HOST is reachable."""
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
