"""The task `verify`: the review checklist, run by machine and reported line by line."""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from toolkit.deploy import process
from toolkit.deploy.compose import config, owner
from toolkit.deploy.image import docker_engine
from toolkit.deploy.outcomes import Failed, Failure, Result, Status
from toolkit.deploy.report import Report
from toolkit.deploy.verify import checkout
from toolkit.deploy.verify.checklist import Skipped
from toolkit.deploy.verify.containers import Contained
from toolkit.deploy.verify.served import Served
from toolkit.dev import service

FAILED = 1
Line = tuple[str, Callable[[], str]]


def verify(project: Path, report: Report, *, tests: bool = False) -> int:
    """Check every line on the containers of `up`; if none are running, on temporary ones.

    `tests` also runs the whole test suite in the container, which takes minutes.
    """
    report.play("verify")
    with _containers(project, report) as contained:
        port = contained.found.port("app") if contained.found else 0
        served = Served(project, f"http://127.0.0.1:{port}", developer(project)) if port else None
        first, *others = _of_project(project, contained, tests=tests)
        return _tell(report, served, [first, *_of_service(served, contained.missing), *others])


def verify_served(project: Path, report: Report, url: str) -> int:
    """Check a deployed service from outside; TOKEN is the token of a caller with every scope."""
    report.play(f"verify {url}")
    served = Served(project, url.rstrip("/"), caller(project, os.environ))
    return _tell(report, served, _of_service(served, ""))


def developer(project: Path) -> Mapping[str, str] | None:
    """The headers of a developer with every scope; those of TOKEN where the settings allow no such token."""
    if not requires_token(project):
        return {}
    try:
        return {"Authorization": f"Bearer {service.token(project)}"}
    except service.ServiceError:
        return caller(project, os.environ)


def caller(project: Path, variables: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the headers with the token in TOKEN; empty if the service requires none, None if it is missing."""
    if token := variables.get("TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    return None if requires_token(project) else {}


def requires_token(project: Path) -> bool:
    answers = tomllib.loads((project / "service.toml").read_text("utf-8"))["answers"]
    return bool(answers["auth"] != "none")


def _of_service(served: Served | None, missing: str) -> list[Line]:
    def skip() -> str:
        raise Skipped(missing)

    names = ("api", "documents", "create", "read")
    return [(name, getattr(served, name) if served else skip) for name in names]


def _of_project(project: Path, contained: Contained, *, tests: bool) -> list[Line]:
    def skip() -> str:
        raise Skipped("takes minutes: `python3 tasks.py verify --tests`")

    return [
        ("containers", contained.running),
        ("migrations", contained.migrations),
        ("tables", contained.tables),
        ("tests", contained.tests if tests or contained.missing else skip),
        ("pipeline", lambda: checkout.pipeline(project)),
        ("manifests", lambda: checkout.manifests(project)),
        ("settings", lambda: checkout.settings(project)),
    ]


def _tell(report: Report, served: Served | None, lines: list[Line]) -> int:
    failures = []
    try:
        for name, check in lines:
            began = time.monotonic()
            report.start(name)
            status, summary, failure = outcome(check)
            report.result(Result(name, status, time.monotonic() - began, summary))
            failures += [failure] if failure else []
    finally:
        if served:
            served.clean_up()
    for failure in failures:
        report.failure(failure)
    return report.end(FAILED if failures else 0)


def outcome(check: Callable[[], str]) -> tuple[Status, str, Failure | None]:
    """Return the outcome of a line. A check with an error has failed: it never passes by accident."""
    import httpx2

    try:
        return Status.OK, check(), None
    except Skipped as reason:
        return Status.SKIPPED, str(reason), None
    except Failed as error:
        return Status.FAILED, error.failure.message, error.failure
    except httpx2.HTTPError as error:
        failure = Failure("NO_ANSWER", f"{error.request.url} does not answer", (str(error),), "`python3 tasks.py up`")
    except Exception as error:
        failure = Failure("CHECK_BROKEN", f"the check itself failed: {error!r}"[:300])
    return Status.FAILED, failure.message, failure


@contextmanager
def _containers(project: Path, report: Report) -> Iterator[Contained]:
    from toolkit.deploy.compose import up

    contained = Contained(project, lambda text: report.progress("tests", text))
    began_them = False
    try:
        contained.client = client = docker_engine.connect_here("verify")
        docker_engine.require("compose")
        name = owner.project_name(project)
        owner.require_own(client, name, project, "verify")
    except Failed as error:
        contained.missing = error.failure.message
        if error.failure.code == "STACK_ELSEWHERE":
            contained.fault = error
        yield contained
        return
    try:
        if not config.containers(client, name, ended=True):
            began_them = True
            up.up(project, report)
            report.recap.results.clear()  # the recap counts the lines of the checklist
        contained.found = config.resolve(project)
    except Failed as error:
        contained.fault, contained.missing = error, "the containers did not start"
    try:
        yield contained
    finally:
        if began_them and contained.found:
            process.run(config.command("down"), cwd=project, env=config.variables())
