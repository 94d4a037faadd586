"""Checks of the checkout: pipeline, manifests, settings and secrets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from toolkit.deploy import git, process
from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.verify.checklist import Skipped
from toolkit.exit_codes import EX_CONFIG

NO_DIGEST = f"image=sha256:{'0' * 64}"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"


def manifests(project: Path) -> str:
    """Check that every environment of the inventory renders and is safe for a roll-out."""
    from toolkit.deploy.inventory import load
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes import checks
    from toolkit.deploy.places.kubernetes.drivers import driver_of
    from toolkit.deploy.spec import ReleaseSpec

    facts, seen = load.facts(project), []
    for name in load.names(project):
        environment = load.load(project, name, [NO_DIGEST])
        if not isinstance(environment, KubernetesEnvironment):
            seen.append(f"{name}: place {environment.place}, without manifests")
            continue
        checks.check(environment)
        spec = ReleaseSpec(facts.name, environment, NO_DIGEST.partition("=")[2], {}, environment.replicas)
        try:
            objects = driver_of(environment, project).render(project, spec)
        except Failed as error:
            if error.failure.code == "TOOL_MISSING":
                raise Skipped(error.failure.message) from None
            raise
        faults = [item for item in objects if not (item.get("apiVersion") and item.get("metadata", {}).get("name"))]
        if faults:
            raise fail("MANIFEST_INVALID", f"{len(faults)} objects of {name} have no apiVersion or no name")
        seen.append(f"{name}: {len(objects)} objects by {environment.driver}")
    return "; ".join(seen)


def settings(project: Path) -> str:
    """Check that .env and secrets are not in git or images, and that production refuses to start with defaults."""
    inside = git.output(project, "rev-parse", "--is-inside-work-tree") == "true"
    if inside and git.output(project, "ls-files", ".env"):
        raise fail("SECRET_TRACKED", ".env is in git", hint="`git rm --cached .env`, and replace its secrets")
    if inside and not git.output(project, "check-ignore", ".env"):
        raise fail("SECRET_TRACKED", ".env is not ignored by git", hint="add it to .gitignore")
    command = [sys.executable, "-m", "app"]
    given = {"PATH": os.environ.get("PATH", os.defpath), "ENVIRONMENT": "production"}
    done = subprocess.run(command, cwd=project, env=given, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603 - our own program
    if done.returncode != EX_CONFIG:
        raise fail("STARTS_ON_DEFAULTS", f"production without settings ends with {done.returncode}, not {EX_CONFIG}")
    required = done.stderr.count("is not set")
    return f".env is ignored by git; production requires {required} settings before it starts"


def pipeline(project: Path) -> str:
    """Check the workflows with zizmor, which is locked with the service, and with actionlint if available."""
    workflows = [str(path) for path in sorted((project / ".github" / "workflows").glob("*.yml"))]
    if not workflows:
        raise Skipped(".github/workflows does not exist")
    _lint([str(Path(sys.executable).parent / "zizmor"), "--offline", "--quiet", ".github"], project)
    actionlint = _actionlint()
    if actionlint is None:
        return f"{len(workflows)} workflow passes zizmor; actionlint, and Go that could run it, are not installed"
    _lint([*actionlint, *workflows], project)
    return f"{len(workflows)} workflow passes zizmor and actionlint"


def _actionlint() -> list[str] | None:
    """Return actionlint, which is not a Python package: from PATH, else built and cached by Go."""
    if found := shutil.which("actionlint"):
        return [found]
    return ["go", "run", ACTIONLINT] if shutil.which("go") else None


def _lint(command: list[str], project: Path) -> None:
    """Run a linter. Raises Failed PIPELINE with its first lines."""
    done = process.run(command, cwd=project, seconds=300)
    if done.code:
        lines = [line for line in (done.out + done.err).splitlines() if line.strip()]
        raise fail("PIPELINE", f"{Path(command[0]).name} reports problems in the pipeline", *lines[:8])
