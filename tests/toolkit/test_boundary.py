"""The toolkit and the service know of each other what toolkit/README.md says, and nothing else."""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import boundary
from tests.support.bakery import Bakery
from tests.support.template import SERVICE
from toolkit.dev.postgres import run as postgres

TOOLKIT = SERVICE / "toolkit"
REVIEW = "review: stars:int>=1<=5 text:text?"
DIGEST = f"image=sha256:{'0' * 64}"
SETTINGS = (
    "settings.JWT_JWKS_URL=https://identity.example.com/jwks.json",
    "settings.JWT_ISSUER=https://identity.example.com/",
    "settings.JWT_AUDIENCE=shop",
)


@pytest.fixture
def service(bakery: Bakery, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "product-catalogue"
    bakery.copy(bakery.bake(), folder)
    yield folder
    postgres.forget(folder)


def task(bakery: Bakery, service: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tasks.py", *arguments]
    return bakery.run(command, cwd=service, env={**bakery.environment, **variables})


def works(bakery: Bakery, service: Path, **variables: str) -> None:
    """The parts that need neither an engine nor a cluster: a resource, a revision, the objects of a release."""
    checked = task(bakery, service, "resource.add", REVIEW, "--check", **variables)
    assert checked.returncode == 2, checked.stdout + checked.stderr
    assert "+++ b/app/models/review.py" in checked.stdout
    assert not (service / "app" / "models" / "review.py").exists()
    added = task(bakery, service, "resource.add", REVIEW, **variables)
    assert added.returncode == 0, added.stdout + added.stderr
    assert "add_review.py" in added.stdout
    pairs = [part for pair in (DIGEST, *SETTINGS) for part in ("-e", pair)]
    rendered = task(bakery, service, "deploy", "staging", *pairs, "--render", "rendered", **variables)
    assert rendered.returncode == 0, rendered.stdout + rendered.stderr
    assert any((service / "rendered").iterdir())


@pytest.mark.drill
def test_the_toolkit_works_without_the_services_tests(bakery: Bakery, service: Path) -> None:
    boundary.empty_tests(service)
    works(bakery, service)


@pytest.mark.drill(minutes=2)
def test_the_wheel_takes_the_place_of_the_folder(bakery: Bakery, service: Path, tmp_path: Path) -> None:
    variables = {"UV_FIND_LINKS": boundary.use_wheel(service, boundary.build_wheel(tmp_path / "wheel"))}
    tested = task(bakery, service, "test.unit", "-k", "test_revisions", **variables)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert re.search(r"^\.+ +\[100%\]", tested.stdout, re.M), tested.stdout
    works(bakery, service, **variables)
    assert not (service / "toolkit").exists()


def test_without_folder_and_wheel_the_next_step_is_named(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_bytes((SERVICE / "tasks.py").read_bytes())
    command = [sys.executable, "tasks.py", "lint"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"TOOLKIT_ENTERED": "1"}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "The toolkit is missing: name its wheel in pyproject.toml, install uv, then run this again.\n"


def test_the_wheel_has_every_file_of_the_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(boundary.build_wheel(tmp_path)) as wheel:
        packed = {name.removeprefix("toolkit/") for name in wheel.namelist() if name.startswith("toolkit/")}
    there = {path.relative_to(TOOLKIT).as_posix() for path in TOOLKIT.rglob("*") if path.is_file()}
    assert packed == {name for name in there if "__pycache__" not in name and "_cache/" not in name}
    assert {"tasks/deploy.py", "resources/templates/macros.j2"} <= packed


def test_its_requirements_are_those_of_the_service() -> None:
    """So that what a service has locked for the folder serves the wheel, too."""
    service = tomllib.loads(
        "\n".join(line for line in (SERVICE / "pyproject.toml").read_text().splitlines() if not line.startswith("# %"))
    )
    there = {*service["project"]["dependencies"], *service["dependency-groups"]["dev"]}
    assert set(tomllib.loads((TOOLKIT / "pyproject.toml").read_text())["project"]["dependencies"]) <= there


def test_a_repository_does_not_count_it_as_its_own() -> None:
    assert "toolkit/** linguist-vendored" in (SERVICE / ".gitattributes").read_text().splitlines()
    service = tomllib.loads(
        "\n".join(line for line in (SERVICE / "pyproject.toml").read_text().splitlines() if not line.startswith("# %"))
    )["tool"]
    assert "./toolkit" in service["ruff"]["extend-exclude"]
    assert "toolkit" not in service["pyrefly"]["project-includes"]
    assert service["coverage"]["run"]["source"] == ["app"]


def test_the_readme_names_every_command() -> None:
    from app.__main__ import COMMANDS

    readme = (TOOLKIT / "README.md").read_text()
    missing = [name for name in COMMANDS if not re.search(rf"^\| `{name}\b", readme, re.M)]
    assert missing == []
    assert tomllib.loads((TOOLKIT / "pyproject.toml").read_text())["project"]["version"] in readme
