"""Every Python file of the repository is read by `lint`."""

import subprocess
import sys
from pathlib import Path

import pytest

from workshop.english import sources

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "<<cookiecutter.project_slug>>"
FOLDERS = (ROOT, SERVICE, SERVICE / "toolkit")  # those of the task `lint`
# Not Python until cookiecutter, or the generator of resources, has rendered them.
TEMPLATES = (ROOT / "hooks" / "post_gen_project.py", SERVICE / "toolkit" / "resources" / "templates")


def _read_by_ruff(folder: Path) -> set[Path]:
    ruff = Path(sys.executable).parent / "ruff"
    listed = subprocess.run([ruff, "check", "--show-files"], cwd=folder, check=True, capture_output=True, text=True)
    return {Path(line) for line in listed.stdout.splitlines()}


@pytest.fixture(scope="module")
def linted() -> set[Path]:
    return {path for folder in FOLDERS for path in _read_by_ruff(folder)}


def test_ruff_reads_each_file(linted: set[Path]) -> None:
    python = [path for path in sources(ROOT) if path.suffix == ".py"]
    left_out = [
        path for path in python if path not in linted and not any(path.is_relative_to(item) for item in TEMPLATES)
    ]
    assert len(python) > 900
    assert not left_out


def test_each_exception_is_needed(linted: set[Path]) -> None:
    assert not [template for template in TEMPLATES if any(path.is_relative_to(template) for path in linted)]
