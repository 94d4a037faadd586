"""The service's import contracts (import-linter): kept where it stands, and broken by an import that goes up."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

SERVICE = Path(__file__).resolve().parents[2] / "<<cookiecutter.project_slug>>"
DEPLOY = "toolkit/deploy"
LINTER = Path(sys.executable).parent / "lint-imports"


@pytest.fixture
def service(tmp_path: Path) -> Path:
    for package in ("app", "toolkit"):
        shutil.copytree(SERVICE / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SERVICE / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINTER), "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_contracts_are_kept(service: Path) -> None:
    linted = lint_imports(service)
    assert linted.returncode == 0, linted.stdout
    assert "0 broken" in linted.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("app/crud/base.py", "from app.services import base as services", "Imports go down the layers"),
        ("app/api/errors.py", "from app.server import draining", "Imports go down the layers"),
        ("app/request_context.py", "from app.core import config", "Imports go down the layers"),
        (
            "app/middleware/admission.py",
            "from app.models import idempotency",
            "What serves every resource imports none",
        ),
        ("app/core/config.py", "from toolkit.deploy import outcomes", "The application runs without the toolkit"),
        ("app/main.py", "from tests.support import identity", "The application runs without the toolkit"),
        ("toolkit/dev/lint.py", "from app.core import config", "The toolkit knows the service by its commands alone"),
        ("toolkit/deploy/cli.py", "from tests import factories", "The toolkit knows the service by its commands alone"),
        ("app/db/engine.py", "import fastapi", "FastAPI is imported by app.api"),
        (
            f"{DEPLOY}/places/kubernetes/objects.py",
            "from toolkit.deploy.release import commits",
            "The toolkit's imports",
        ),
        (
            f"{DEPLOY}/release/undo.py",
            "from toolkit.deploy.places.kubernetes import client",
            "A release knows no place",
        ),
    ],
)
def test_an_import_that_goes_up_is_refused(service: Path, module: str, line: str, contract: str) -> None:
    path = service / module
    path.write_text(path.read_text().replace("\nfrom ", f"\n{line}\nfrom ", 1))
    linted = lint_imports(service)
    assert linted.returncode == 1, linted.stdout
    assert any(told.startswith(contract) and told.endswith("BROKEN") for told in linted.stdout.splitlines())


def test_a_release_may_import_no_place() -> None:
    contracts = tomllib.loads((SERVICE / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    forbidden = next(each["forbidden_modules"] for each in contracts if each["name"].startswith("A release knows"))
    places = [path.parent.name for path in (SERVICE / DEPLOY / "places").glob("*/__init__.py")]
    assert sorted(forbidden) == sorted(f"toolkit.deploy.places.{name}" for name in places)
