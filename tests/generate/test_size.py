"""Size of what an owner reads: the files of a default service outside `toolkit/` and the lock file."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.support.bakery import Bakery

# These only go down. The goal is 150 files and 14 000 lines (docs/decisions.md).
FILES = 213
LINES = 20_490
SHOWN = 15


@pytest.fixture(scope="module")
def sizes(bakery: Bakery) -> dict[str, int]:
    """Lines by the path of each file that is committed."""
    service: Path = bakery.bake()
    command = ["git", "ls-files", "-z"]
    names = subprocess.run(command, cwd=service, check=True, capture_output=True, text=True).stdout.split("\0")
    owned = [name for name in names if name and name != "uv.lock" and not name.startswith("toolkit/")]
    return {name: len((service / name).read_text(encoding="utf-8").splitlines()) for name in owned}


def biggest(sizes: dict[str, int]) -> str:
    """The folders with the most lines, one to a line."""
    lines, files = Counter[str](), Counter[str]()
    for name, count in sizes.items():
        folder = "/".join(name.split("/")[:-1][:2]) or "."
        lines[folder] += count
        files[folder] += 1
    return "\n".join(
        f"{folder:<32}{files[folder]:>5} files {count:>7} lines" for folder, count in lines.most_common(SHOWN)
    )


def test_a_default_service_stays_small(sizes: dict[str, int]) -> None:
    files, lines = len(sizes), sum(sizes.values())
    print(f"{files} files, {lines} lines\n{biggest(sizes)}")
    assert files <= FILES, f"{files} files:\n{biggest(sizes)}"
    assert lines <= LINES, f"{lines} lines:\n{biggest(sizes)}"
