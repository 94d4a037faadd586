"""The task `dev`: the service on a migrated database, restarted whenever a file is saved."""

import os
import queue
import subprocess
import sys
import threading
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from toolkit.dev import ports, setup, subprocesses
from toolkit.dev.migrations import upgrade
from toolkit.dev.postgres import choice, run

HOST = "127.0.0.1"
WATCHED = ("app", "service.toml", ".env")


def serve(project: Path, port: int, *, fresh: bool = False, allow_destructive: bool = False) -> None:
    """Serve until Ctrl-C. Raises SystemExit with the next step for a port or database that is in use."""
    if port not in ports.NUMBERS:
        raise SystemExit(f"--port {port} is invalid. Choose a port from 1 to 65535.")
    if not ports.is_free(HOST, port):
        raise SystemExit(
            f"Port {port} is in use, perhaps by another `dev`. Stop it, or choose another port:\n"
            f"  python3 tasks.py dev --port {ports.next_free(HOST, port + 1)}"
        )
    try:
        with choice.chosen(project, fresh=fresh, shared=False) as variables:
            _migrate(project, variables, allow_destructive=allow_destructive)
            _serve(project, port, variables)
    except run.InUse as used:
        raise SystemExit(
            f"The embedded PostgreSQL of this service is in use by process {used.owner}, perhaps another `dev`.\n"
            f"  Stop it, or set DATABASE_URL to another server."
        ) from None


def _migrate(project: Path, variables: Mapping[str, str], *, allow_destructive: bool) -> None:
    if not any((project / "alembic" / "versions").glob("*.py")):
        setup.say("revision", lambda: setup.revision(project))
    command = [
        sys.executable,
        "-m",
        "toolkit.dev.migrations.upgrade",
        "upgrade",
        *([upgrade.ALLOW] if allow_destructive else []),
    ]
    if code := subprocesses.run(command, cwd=project, env={**os.environ, **variables}):
        raise SystemExit(code)  # its last line has the reason and the next step


def _serve(project: Path, port: int, variables: Mapping[str, str]) -> None:
    environment = {
        **os.environ,
        "ENVIRONMENT": os.environ.get("ENVIRONMENT", "local"),
        "HOST": HOST,
        "PORT": str(port),
        "DRAIN_SECONDS": "0",
        "GRACEFUL_SECONDS": "2",
        **variables,
    }
    changes = _watch(project)
    announced = False
    while True:
        with _service(project, environment) as service:
            if not announced:
                announced = _announce(project, service, port, variables)
            _wait_for_change(service, changes)


@contextmanager
def _service(project: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "app"],
        cwd=project,
        env=environment,
        start_new_session=True,  # Ctrl-C reaches only us; we end the service, and then its database
        preexec_fn=subprocesses.die_with_parent,
    )
    try:
        yield child
    finally:
        subprocesses.stop(child)


def _announce(project: Path, service: subprocess.Popen[bytes], port: int, variables: Mapping[str, str]) -> bool:
    """Print the addresses once the service answers; False when it did not start."""
    address = f"http://{HOST}:{port}"
    if fault := fault_of_start(service, f"{address}/health"):
        print(fault, flush=True)
        return False
    print(
        f"\n  service   {address}\n  docs      {address}/docs\n"
        f"  database  {variables.get('DATABASE_URL', 'the one of your settings')}\n"
        f"{_first_request(project, address)}"
        "  Saving a file restarts it; Ctrl-C stops it.\n",
        flush=True,
    )
    return True


def _first_request(project: Path, address: str) -> str:
    """Return a line with a working request; empty without a resource."""
    from toolkit.resources.line.parser import parse

    content = tomllib.loads((project / "service.toml").read_text("utf-8"))
    lines = content.get("resources", {}).get("lines", ())
    if not lines:
        return ""
    bearer = ' -H "Authorization: Bearer $(python3 tasks.py token --all | tail -1)"'
    header = bearer if content["answers"]["auth"] != "none" else ""
    prefix = os.environ.get("API_V1_STR") or "/api/v1"
    return f"  try       curl{header} {address}{prefix}/{parse(';'.join(lines))[0].url}\n"


def fault_of_start(service: subprocess.Popen[bytes], url: str) -> str:
    """Wait until the process serves `url`; return why it does not, or an empty string."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=60):  # noqa: S310  # http, our own
                return True
        except (urllib.error.URLError, OSError):
            return False

    return subprocesses.started(service, answers, "The service")


def _watch(project: Path) -> "queue.SimpleQueue[str]":
    """Watch for saved files. A thread waits for them, so that a signal interrupts the main one at once."""
    from watchfiles import PythonFilter, watch

    seen: queue.SimpleQueue[str] = queue.SimpleQueue()
    folders = [project / name for name in WATCHED if (project / name).exists()]
    wanted = PythonFilter(extra_extensions=(".toml", ".env"))

    def report() -> None:
        for changes in watch(*folders, watch_filter=wanted, raise_interrupt=False):
            seen.put(", ".join(sorted(Path(path).name for _, path in changes)))

    threading.Thread(target=report, daemon=True).start()
    return seen


def _wait_for_change(service: subprocess.Popen[bytes], changes: "queue.SimpleQueue[str]") -> None:
    reported = False
    while True:
        try:
            print(f"Saved: {changes.get(timeout=0.5)}; restarting", flush=True)
        except queue.Empty:
            if service.poll() is not None and not reported:
                print(f"The service ended with exit code {service.returncode}; save a file to restart it.", flush=True)
                reported = True
            continue
        return
