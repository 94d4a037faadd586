"""The mechanics of `app` (tests/framework), in a service of each answer to `auth`, with its fixtures and database."""

from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.framework import lay_over
from toolkit.dev.postgres import run as postgres

WORKERS = 2


@pytest.mark.parametrize("auth", ["jwt", "none"])
def test_the_framework_holds(bakery: Bakery, tmp_path: Path, auth: str) -> None:
    """Without authentication the service's own tests run too; with it, they do in test_domains.py."""
    service = tmp_path / f"framework-{auth}"
    bakery.copy(bakery.bake(**({} if auth == "jwt" else {"auth": auth})), service)
    files = lay_over(service, auth)
    python = str(service / ".venv" / "bin" / "python")
    command = [python, "-m", "pytest", "-q", "-rfE", "--durations=15", "-n", str(WORKERS)]
    try:
        done = bakery.run([*command, *(files if auth == "jwt" else ["tests"])], cwd=service)
    finally:
        postgres.forget(service)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert done.returncode == 0, "\n".join([*failed, done.stdout[-20_000:], done.stderr[-2000:]])


def test_the_types_of_its_tests_agree(bakery: Bakery, tmp_path: Path) -> None:
    """Here their imports of the service's own tests lead nowhere, so that `lint` leaves them out."""
    service = tmp_path / "types"
    bakery.copy(bakery.bake(), service)
    lay_over(service, "jwt")
    done = bakery.run([str(service / ".venv" / "bin" / "pyrefly"), "check", "--output-format=min-text"], cwd=service)
    assert done.returncode == 0, done.stdout + done.stderr
