"""The tasks `up`, `down` and `logs`: the service in containers on this machine."""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy import buildx, engine, process, stack
from deploy.model import Failed, Result, Status, fail
from deploy.report import Report
from deploy.stack import Stack

if TYPE_CHECKING:
    from docker import DockerClient

READY_SECONDS = 90
MOST_RESTARTS = 2
# Every profile at once: `down` has to end what another `up` has started.
ALL_PROFILES = ("*",)
ERASE = "\x1b[2K"
EX_CONFIG = 78  # sysexits.h
CHECK_SETTINGS = f"""
import sys
from app.core.config import ConfigurationError
from app.main import create_app
try:
    create_app()
except ConfigurationError as error:
    print(error, file=sys.stderr)
    sys.exit({EX_CONFIG})
"""
PAGES = {"pgadmin": "pgAdmin", "prometheus": "Prometheus", "grafana": "Grafana", "jaeger": "Jaeger"}


def up(project: Path, report: Report, profiles: Sequence[str] = ()) -> int:
    """Build, start, migrate, wait until the service is ready, and print the addresses.

    What can be known is looked at first. When it fails after that, what this call has started is stopped again.
    """
    client = engine.connect()
    engine.require("compose")
    if made := stack.ensure_dotenv(project, client):
        report.note(made)
    found = stack.resolve(project, profiles)
    stack.check_ports(found, client)
    check_settings(project, found)
    before = bool(stack.containers(client, found.name))
    try:
        _start(project, report, found, profiles, client)
        _wait(report, found, client)
    except Failed:
        if not before:
            process.run(stack.command("down", profiles=ALL_PROFILES), cwd=project, env=stack.variables())
        raise
    for line in addresses(found):
        report.note(line)
    return 0


def down(project: Path, report: Report, *, volumes: bool = False) -> int:
    """Stop and remove every container; the database stays, unless its volume is to go as well."""
    began = time.monotonic()
    engine.connect()
    engine.require("compose")
    # Compose wants a value to read its file; nothing is started with it.
    given = {**stack.variables(), **({} if (project / ".env").exists() else {stack.PASSWORD: "none"})}
    arguments = ["down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    done = process.run(stack.command(*arguments, profiles=ALL_PROFILES), cwd=project, env=given)
    if done.code:
        raise stack.explain(done.err)
    kept = "and the data with them" if volumes else "the data stays (`down --volumes` drops it)"
    report.result(Result("containers", Status.CHANGED, time.monotonic() - began, f"removed, {kept}"))
    return 0


def logs(project: Path, service: str = "", *, follow: bool = False, lines: int = 100) -> int:
    """Print what the containers have said, or what one of them has."""
    engine.connect()
    engine.require("compose")
    stack.resolve(project)
    arguments = ["logs", "--tail", str(lines), *(["--follow"] if follow else []), *([service] if service else [])]
    colours = "always" if sys.stdout.isatty() else "never"
    wanted = stack.command("--ansi", colours, *arguments, profiles=ALL_PROFILES)
    # Compose erases the terminal's line before each of its own, even where there is no terminal.
    return process.follow(
        wanted, lambda line: print(line.replace(ERASE, ""), flush=True), cwd=project, env=stack.variables()
    )


def check_settings(project: Path, found: Stack) -> None:
    """What the service would refuse in its container, known before there is one. Raises Failed SETTINGS_REFUSED."""
    given = {name: str(value) for name, value in found.services["app"]["environment"].items() if value}
    done = process.run([sys.executable, "-c", CHECK_SETTINGS], cwd=project, env=given, seconds=60)
    if done.code == EX_CONFIG:
        problems = [line.strip() for line in done.err.splitlines() if line.startswith("  ")]
        raise fail(
            "SETTINGS_REFUSED",
            "the service would not start with these settings",
            *problems,
            hint="correct them in .env; .env.example describes each",
        )


def addresses(found: Stack) -> list[str]:
    """What a person opens next. Pure."""
    service = f"http://127.0.0.1:{found.port('app')}"
    environment = found.services["db"]["environment"]
    database = f"{environment['POSTGRES_USER']}@127.0.0.1:{found.port('db')}/{environment['POSTGRES_DB']}"
    others = [
        f"{title:<10}http://127.0.0.1:{found.port(name)}" for name, title in PAGES.items() if name in found.services
    ]
    return [
        f"{'service':<10}{service}",
        f"{'docs':<10}{service}/docs",
        f"{'database':<10}postgresql://{database} (its password is in .env)",
        *others,
    ]


def _start(project: Path, report: Report, found: Stack, profiles: Sequence[str], client: DockerClient) -> None:
    began = time.monotonic()
    report.start("containers")
    seen: list[str] = []

    def hear(line: str) -> None:
        seen.append(line)
        if text := buildx.step_of(line) or _container_of(line):
            report.progress("containers", text)

    arguments = ["up", "--detach", "--build", "--remove-orphans"]
    code = process.follow(
        stack.command("--progress", "plain", *arguments, profiles=profiles),
        hear,
        cwd=project,
        env=stack.variables(profiles),
    )
    if code:
        raise _why_not_started(client, found.name, seen)
    # `migrate` runs each time; what counts is whether anything that stays was made or started.
    changed = any(re.search(r"Container (?!\S*-migrate-)\S+ +(Created|Recreated|Started)$", line) for line in seen)
    status = Status.CHANGED if changed else Status.OK
    report.result(Result("containers", status, time.monotonic() - began, ", ".join(found.services)))


def _why_not_started(client: DockerClient, project: str, output: Sequence[str]) -> Failed:
    said = "\n".join(output)
    if re.search(r'service "migrate" didn.t complete', said):
        return fail(
            "MIGRATION_FAILED",
            "the database could not be migrated",
            *stack.last_words(client, project, "migrate"),
            hint="mend the revision; `down --volumes` starts over with an empty database",
        )
    if re.search(r"dependency failed to start.*-db-|container \S*-db-\d+ (is unhealthy|exited)", said):
        return fail(
            "DATABASE_FAILED",
            "PostgreSQL did not come up",
            *stack.last_words(client, project, "db"),
            hint="`down --volumes` starts over with an empty database",
        )
    if found := re.search(r":(\d+): bind: address already in use|:(\d+) failed: port is already allocated", said):
        number = found[1] or found[2]
        return fail(
            "PORT_TAKEN", f"port {number} is taken by another program", hint="`python3 tasks.py up` names a free one"
        )
    return buildx.explain("the development image", output[-60:])


def _wait(report: Report, found: Stack, client: DockerClient) -> None:
    """Raises Failed NOT_READY with the service's last words."""
    began = time.monotonic()
    report.start("ready")
    url = f"http://127.0.0.1:{found.port('app')}/ready"
    while True:
        seen = _ask(url)
        if seen is None:
            report.result(Result("ready", Status.OK, time.monotonic() - began, url))
            return
        restarts = max((item.attrs["RestartCount"] for item in stack.containers(client, found.name, "app")), default=0)
        if time.monotonic() - began > READY_SECONDS or restarts > MOST_RESTARTS:
            last = stack.last_words(client, found.name, "app")
            raise fail("NOT_READY", f"the service did not get ready: {seen}", *last, hint="`python3 tasks.py logs`")
        report.progress("ready", seen)
        time.sleep(0.2)


def _ask(url: str) -> str | None:
    """None when it is ready, else what is said instead."""
    try:
        with urllib.request.urlopen(url, timeout=3):  # noqa: S310 - http, our own
            return None
    except urllib.error.HTTPError as error:
        with error:
            return str(_json(error.read()).get("detail", error.reason))
    except OSError as error:
        return str(getattr(error, "reason", error))


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def _container_of(line: str) -> str:
    """What Compose says of a container, a volume or a network, without its indentation."""
    found = re.match(r"^ *((?:Container|Volume|Network) .+)", line)
    return re.sub(r"\s+", " ", found[1]) if found else ""
