"""Checkouts by a git that writes CRLF (`core.autocrlf=true`): shells and images read LF alone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.bakery import Bakery


def _clone(source: Path, target: Path, *, attributes: bool) -> Path:
    """A clone with core.autocrlf=true of a repository that holds the files of `source`."""
    origin = target / "origin"
    shutil.copytree(source, origin, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv", ".dev"))
    if not attributes:
        for path in origin.rglob(".gitattributes"):
            path.unlink()
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "core.autocrlf=false"]
    for arguments in (["init", "-q"], ["add", "--all"], ["commit", "-q", "--no-verify", "-m", "All"]):
        subprocess.run([*git, *arguments], cwd=origin, check=True, capture_output=True)
    clone = target / "clone"
    command = ["git", "clone", "-q", "-c", "core.autocrlf=true", str(origin), str(clone)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    return clone


def _with_crlf(folder: Path) -> list[str]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=folder, check=True, capture_output=True, text=True).stdout
    return [name for name in names.split("\0") if name and b"\r\n" in (folder / name).read_bytes()]


@pytest.fixture(params=["service", "template"])
def files(request: pytest.FixtureRequest, bakery: Bakery) -> Path:
    return bakery.bake() if request.param == "service" else bakery.template


def test_a_clone_with_autocrlf_has_lf(files: Path, tmp_path: Path) -> None:
    assert _with_crlf(_clone(files, tmp_path, attributes=True)) == []


def test_without_the_attributes_it_has_crlf(bakery: Bakery, tmp_path: Path) -> None:
    """The control: this git does write CRLF where nothing forbids it."""
    found = _with_crlf(_clone(bakery.bake(), tmp_path, attributes=False))
    assert {"entrypoint.sh", "Dockerfile", "docker-compose.yml"} <= set(found)
