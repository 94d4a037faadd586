"""The tasks `up`, `down` and `logs`: the service in containers on this machine."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import migrations, process, program_errors
from toolkit.deploy.compose import config, first_up, owner, ports, readiness, start_failures
from toolkit.deploy.compose.config import ALL_PROFILES, Stack
from toolkit.deploy.image import buildx, content_key, docker_engine
from toolkit.deploy.outcomes import Failed, Result, Status, fail
from toolkit.deploy.report import Report
from toolkit.dev import service

if TYPE_CHECKING:
    from docker import DockerClient

ERASE = "\x1b[2K"
SETTINGS_SECONDS = 120
PAGES = {"pgadmin": "pgAdmin", "prometheus": "Prometheus", "grafana": "Grafana", "jaeger": "Jaeger"}


def up(project: Path, report: Report, profiles: Sequence[str] = ()) -> int:
    """Build, start, migrate, wait until the service is ready, and print the addresses.

    All checks come first. After a later failure or interruption, a stack that was not running before is removed again;
    its data is kept.
    """
    client = docker_engine.connect_here("up")
    docker_engine.require("compose")
    content_key.check_line_endings(project)
    migrations.head(project)
    config.check_profiles(project, profiles)
    if made := first_up.ensure_dotenv(project, client):
        report.note(made)
    found = config.resolve(project, profiles)
    _warn(report, found.warnings)
    owner.require_own(client, found.name, project, "up")
    config.check_mounts(project, found)
    ports.check(found, client)
    check_settings(project, found)
    built = config.image_id(client, found)
    with _removed_unless_ready(project, report, found, client):
        owner.claim(client, found, project)
        _start(project, report, found, profiles, client)
        _wait(report, found, client)
    config.remove_replaced_image(client, built, config.image_id(client, found))
    for line in addresses(found):
        report.note(line)
    return 0


def down(project: Path, report: Report, *, volumes: bool = False) -> int:
    """Stop and remove every container of this folder's stack; with `volumes` also its data."""
    began = time.monotonic()
    client = docker_engine.connect_here("down")
    docker_engine.require("compose")
    owner.require_own(client, owner.project_name(project), project, "down")
    given = {**config.variables(), **config.without_password(project)}
    arguments = ["down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    done = process.run(config.command(*arguments, profiles=ALL_PROFILES), cwd=project, env=given)
    if done.code:
        raise program_errors.classify(done.err) or config.explain(done.err)
    _warn(report, program_errors.warnings_of(done.err))
    kept = "with their data" if volumes else "data kept (`down --volumes` removes it)"
    report.result(Result("containers", Status.CHANGED, time.monotonic() - began, f"removed, {kept}"))
    return 0


def logs(project: Path, service: str = "", *, follow: bool = False, lines: int = 100) -> int:
    """Print the output of this folder's containers, or of one service."""
    client = docker_engine.connect_here("logs")
    docker_engine.require("compose")
    found = config.resolve(project)
    owner.require_own(client, found.name, project, "logs")
    arguments = ["logs", "--tail", str(lines), *(["--follow"] if follow else []), *([service] if service else [])]
    colours = "always" if sys.stdout.isatty() else "never"
    wanted = config.command("--ansi", colours, *arguments, profiles=ALL_PROFILES)
    # Compose erases the terminal's line before each of its own, even without a terminal.
    return process.follow(
        wanted, lambda line: print(line.replace(ERASE, ""), flush=True), cwd=project, env=config.variables()
    )


def check_settings(project: Path, found: Stack) -> None:
    """Check the settings. Raises Failed SETTINGS_REFUSED for those that the service would refuse in its container."""
    given = {name: str(value) for name, value in found.services["app"]["environment"].items() if value}
    asked = service.question({}, given, development=True)
    done = process.begin(service.command("check"), project, process.INHERITED).finish(asked, SETTINGS_SECONDS)
    # Code that does not even run shows itself in the container, with all that it says.
    problems = service.verdict(done.out).problems if not done.code else ()
    if refused := [problem.text for problem in problems if problem.kind in ("missing", "missing_secret", "refused")]:
        raise fail(
            "SETTINGS_REFUSED",
            "the service would not start with these settings",
            *refused,
            hint="correct them in .env; .env.example describes each",
        )


def addresses(found: Stack) -> list[str]:
    """Return the addresses to open. Pure."""
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


@contextmanager
def _removed_unless_ready(project: Path, report: Report, found: Stack, client: DockerClient) -> Iterator[None]:
    """Clean up after a failed start (an error, Ctrl-C, SIGTERM): a stack that was not running before is removed."""
    before = bool(config.containers(client, found.name))
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Failed):
            report.note("interrupted" if before else "interrupted; removing the containers that were started")
        if not before:
            process.run(config.command("down", profiles=ALL_PROFILES), cwd=project, env=config.variables())
        raise


def _start(project: Path, report: Report, found: Stack, profiles: Sequence[str], client: DockerClient) -> None:
    began = time.monotonic()
    report.start("containers")
    seen: list[str] = []
    warned = set(found.warnings)

    def hear(line: str) -> None:
        seen.append(line)
        if text := buildx.step_of(line) or _container_of(line):
            report.progress("containers", text)
        _warn(report, new := [text for text in program_errors.warnings_of(line) if text not in warned])
        warned.update(new)

    arguments = ["up", "--detach", "--build", "--remove-orphans"]
    code = process.follow(
        config.command("--progress", "plain", *arguments, profiles=profiles),
        hear,
        cwd=project,
        env=config.variables(profiles),
    )
    if code:
        raise start_failures.explain(seen, lambda service: config.last_words(client, found.name, service))
    # `migrate` runs each time; only containers that keep running count.
    changed = any(re.search(r"Container (?!\S*-migrate-)\S+ +(Created|Recreated|Started)$", line) for line in seen)
    status = Status.CHANGED if changed else Status.OK
    report.result(Result("containers", status, time.monotonic() - began, ", ".join(found.services)))


def _wait(report: Report, found: Stack, client: DockerClient) -> None:
    """Raise Failed NOT_READY with the service's last lines."""
    began = time.monotonic()
    report.start("ready")
    url = f"http://127.0.0.1:{found.port('app')}/ready"

    def restarts() -> int:
        return max((item.attrs["RestartCount"] for item in config.containers(client, found.name, "app")), default=0)

    def failed(seen: str) -> Failed:
        last = config.last_words(client, found.name, "app")
        return fail("NOT_READY", seen, *last, hint="correct what it reports above")

    readiness.wait(url, restarts=restarts, progress=lambda text: report.progress("ready", text), failed=failed)
    report.result(Result("ready", Status.OK, time.monotonic() - began, url))


def _warn(report: Report, warnings: Sequence[str]) -> None:
    for text in warnings:
        report.note(f"Compose warns: {text}")


def _container_of(line: str) -> str:
    """Return Compose's status line of a container, volume or network, without its indentation."""
    found = re.match(r"^ *((?:Container|Volume|Network) .+)", line)
    return re.sub(r"\s+", " ", found[1]) if found else ""
