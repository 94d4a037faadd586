"""The domains of the documentation, each a service whose own tests pass with the coverage it promises."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.domains import DOMAINS, EXTREMES, OWNED
from tests.support.framework import lay_over, run_tests
from toolkit.dev.postgres import run as postgres

ALL = {**DOMAINS, "extremes": EXTREMES, "owned": OWNED}
REVIEW = "review: product:ref(product) stars:int>=1<=5 text:text?"
ADDED = {"catalogue": REVIEW}


@pytest.mark.alone  # it uses every core
@pytest.mark.parametrize(
    "domain",
    [domain if domain in ADDED else pytest.param(domain, marks=pytest.mark.drill(minutes=2)) for domain in ALL],
)
def test_own_tests_pass(bakery: Bakery, tmp_path: Path, domain: str) -> None:
    """The catalogue's also with a resource that was added to the living service."""
    answers = {} if domain == "catalogue" else {"resources": ALL[domain], "project_name": domain.title()}
    service = tmp_path / domain
    bakery.copy(bakery.bake(**answers), service)
    if domain in ADDED:
        run(bakery, service, "resource.add", ADDED[domain])
        run(bakery, service, "migrate")
    require_coverage(bakery, service)
    if domain not in ADDED:
        # Some of the framework's tests hold for every resource.
        run_tests(bakery, service, [name for name in lay_over(service, "jwt") if name.startswith("tests/integration/")])
    postgres.forget(service)


@pytest.mark.alone
@pytest.mark.drill(minutes=3)
@pytest.mark.parametrize("domain", ALL)
def test_own_tests_pass_with_users(bakery: Bakery, tmp_path: Path, domain: str) -> None:
    service = tmp_path / domain
    bakery.copy(bakery.bake(resources=ALL[domain], project_name=domain.title(), auth="accounts"), service)
    require_coverage(bakery, service)
    postgres.forget(service)


def require_coverage(bakery: Bakery, service: Path) -> None:
    """Require the service's own tests to pass, and to cover what they promise."""
    tested = run(bakery, service, "test").stdout
    coverage = re.search(r"Total coverage: ([\d.]+)%", tested)
    assert coverage, tested
    assert float(coverage[1]) >= 90
    print(f"{service.name}: {coverage[0]}, {tested.strip().splitlines()[-1]}")


def run(bakery: Bakery, service: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = bakery.run([sys.executable, "tasks.py", *arguments], cwd=service)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done
