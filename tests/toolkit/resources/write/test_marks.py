"""Conflict marks in generated lists: the two sides, and their union."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.resources.write import manifest, marks, service_file

A, B, C = "a: x:int", "b: x:int", "c: x:int"


def test_sides() -> None:
    text = "1\n<<<<<<< HEAD\na\n||||||| 12\nb\n=======\nc\n>>>>>>> other\n2\n"
    assert marks.sides(text) == ("1\na\n2\n", "1\nc\n2\n")
    assert marks.without_marks(text) == "1\na\nb\nc\n2\n"


@pytest.fixture
def merge(tmp_path: Path) -> Callable[..., Path]:
    """Merges two branches of a repository, in which one file differs."""

    def git(*arguments: str, code: int = 0) -> None:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=False, capture_output=True)
        assert done.returncode == code, done.stderr

    def conflict(name: str, base: str, ours: str, theirs: str) -> Path:
        git("init", "--quiet", "--initial-branch=main")
        for branch, text in (("main", base), ("other", theirs), ("main", ours)):
            git("checkout", "--quiet", *(["-B"] if text != ours else []), branch)
            (tmp_path / name).write_text(text)
            git("add", "--all")
            git("commit", "--quiet", "--message", branch)
        git("merge", "other", code=1)
        assert marks.has_marks((tmp_path / name).read_text())
        return tmp_path

    return conflict


def service_toml(lines: list[str], more: str = "") -> str:
    items = "".join(f'    "{line}",\n' for line in lines)
    return f'[service]\nname = "x"\n\n[resources]\nlines = [\n{items}]\n{more}'


CONTRACT = '\n[[contract]]\nkind = "{0}"\nrevision = "{0}"\n'


@pytest.mark.parametrize("heading", ["", "\n# For a later release: `python3 tasks.py migrate.contract`."])
def test_lines_and_contracts_of_both_sides(merge: Callable[..., Path], heading: str) -> None:
    done, one, two = (CONTRACT.format(name) for name in ("done", "one", "two"))
    root = merge(
        "service.toml",
        service_toml([A], heading + done),
        service_toml([A, B], heading + done + one),
        service_toml([A, C], heading + two),
    )
    wanted = service_toml([A, B, C], heading + one + two)
    assert service_file.merged(root) == wanted
    with pytest.raises(service_file.ServiceFileError, match=r"run `python3 tasks.py resource.sync`"):
        service_file.read(root)


def test_another_conflict_in_service_toml_is_the_owners(merge: Callable[..., Path]) -> None:
    ours, theirs = (service_toml([A]).replace('"x"', name) for name in ('"y"', '"z"'))
    root = merge("service.toml", service_toml([A]), ours, theirs)
    with pytest.raises(service_file.ServiceFileError, match="conflict marks outside the resource lines"):
        service_file.merged(root)


def test_a_manifest_with_marks_is_that_of_both_sides(merge: Callable[..., Path]) -> None:
    base, ours, theirs = (
        json.dumps({"lines": lines, "files": files}, indent=2) + "\n"
        for lines, files in (([A], {"p": "1"}), ([A, B], {"p": "2", "b": "1"}), ([A, C], {"p": "3", "c": "1"}))
    )
    root = merge(".generated.json", base, ours, theirs)
    found = manifest.read(root)
    assert found.lines == (A,)
    assert found.merging
    assert (found.files, found.others["p"]) == ({"p": "2", "b": "1", "c": "1"}, "3")
    (root / ".git").rename(root / "git")  # without git's index: what both have in common
    assert manifest.read(root).lines == (A,)
