"""Lay the tests of the framework over those of a baked service, whose fixtures and database they use."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from hooks import options
from tests.support.bakery import Bakery
from tests.support.template import ROOT

FRAMEWORK = ROOT / "tests" / "framework"
COMMON = "common"  # the other folders are named for the answer to `auth` that their tests need
OWNERS = "owners"  # with the domain OWNED of tests/support/domains.py
TOKENS = {"jwt": ("tokens",), "accounts": ("tokens",)}
UNDER_LOAD = "tests/e2e/test_shutdown.py"  # on a busy machine its clients are too slow
WORKERS = 2


def lay_over(service: Path, auth: str, *, common: bool = True) -> list[str]:
    """Copy the tests for this answer into the service's `tests/`; return the paths of the test files there."""
    copied = []
    for folder in (FRAMEWORK / name for name in (*((COMMON,) if common else ()), *TOKENS.get(auth, ()), auth)):
        for source in sorted(folder.rglob("*.py")):
            target = service / "tests" / source.relative_to(folder)
            assert not target.exists(), f"the service has tests/{source.relative_to(folder)} already"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
            copied.append(target)
    options.apply_regions(service, {"auth": "jwt" if auth == OWNERS else auth})
    return [str(path.relative_to(service)) for path in copied if path.name.startswith("test_")]


def run_tests(bakery: Bakery, service: Path, arguments: Sequence[str]) -> None:
    """Run pytest in the service. Raises AssertionError that begins with the names of the tests that failed."""
    command = [str(service / ".venv" / "bin" / "python"), "-m", "pytest", "-q", "-rfE", "-n", str(WORKERS)]
    done = bakery.run([*command, *arguments], cwd=service)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert done.returncode == 0, "\n".join([*failed, done.stdout[-20_000:], done.stderr[-2000:]])
