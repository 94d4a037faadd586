"""The small parts that everything starts with: task files, option tables, lock files, what may not be skipped."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hooks import locks, options
from tests.support.bakery import Bakery
from toolkit.dev import bootstrap, setup

SERVICE = Path(bootstrap.__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([], []),
        (["dev", "--port", "1"], ["dev", "--port", "1"]),
        (["--help", "dev"], ["--help", "dev"]),
        (["deploy", "--help"], ["--help", "deploy"]),
        (["deploy", "staging", "-h"], ["--help", "deploy"]),
    ],
)
def test_help_comes_first(given: list[str], wanted: list[str]) -> None:
    assert bootstrap.help_first(given) == wanted


def test_an_environment_is_fresh_until_its_requirements_change(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert not bootstrap.is_fresh(tmp_path)
    (tmp_path / ".venv" / ".made-from").write_text(bootstrap.fingerprint(tmp_path))
    assert bootstrap.is_fresh(tmp_path)
    (tmp_path / "uv.lock").write_text("version = 1\n")
    assert not bootstrap.is_fresh(tmp_path)


@pytest.mark.parametrize("left", [(), ("bin/python",), ("bin/python", "lib/python3.11/site-packages/pip")])
def test_an_incomplete_environment_is_recreated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: tuple[str, ...]
) -> None:
    """Interrupted, `python -m venv` leaves a Python without pip."""
    for name in left:
        (tmp_path / ".venv" / name).mkdir(parents=True)
    made: list[Path] = []
    monkeypatch.setattr(bootstrap, "find_uv", lambda _project: None)
    monkeypatch.setattr(bootstrap, "_make_venv", lambda project, _uv: made.append(project))
    monkeypatch.setattr(subprocess, "run", lambda *_arguments, **_options: None)
    assert bootstrap.provide_uv(tmp_path) is None
    assert made == ([] if len(left) == 2 else [tmp_path])


def test_every_option_has_its_row() -> None:
    """An answer without a row would change nothing; a path without a file would be a slip."""
    assert {question for question, _ in options.OPTION_FILES} == {"place", "driver", "auth", "ci", "infra"}
    for effect in options.OPTION_FILES.values():
        for name in (*effect.remove, *effect.rename, *effect.rename.values()):
            assert (SERVICE / name).exists(), name


def test_regions_are_taken_out_of_python(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(
        'a = "{{ x }} << y >> <% z %>"\n'
        '# % if cookiecutter.auth == "jwt"\nb = 1\n# % endif\n'
        'c = "# % if not at the start"\n'
    )
    options.apply_regions(tmp_path, {"auth": "none"})
    assert (tmp_path / "tasks.py").read_text() == 'a = "{{ x }} << y >> <% z %>"\nc = "# % if not at the start"\n'


def test_regions_have_no_else() -> None:
    """In place every region is on; an `else` would be on as well."""
    for path in options.python_files(SERVICE):
        assert not re.search(r"^\s*# % el", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_a_remembered_lock_file_is_that_of_the_same_requirements(
    bakery: Bakery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    project = '[project]\nname = "{}"\nversion = "0.1.0"\nrequires-python = ">=3.11"\ndependencies = [{}]\n'
    for folder, name, dependencies in ((first, "a", ""), (second, "b", ""), (third, "c", '"idna"')):
        folder.mkdir()
        groups = "[dependency-groups]\ndev = []\n[tool.uv]\npackage = false\n"
        (folder / "pyproject.toml").write_text(project.format(name, dependencies) + groups)
    made, remembered, other = locks.lock(first), locks.lock(second), locks.lock(third)
    assert "this machine's cache" not in made.detail + other.detail
    assert "this machine's cache" in remembered.detail
    uv = bootstrap.find_uv(second)
    assert uv
    for folder in (first, second, third):
        checked = subprocess.run([uv, "lock", "--check"], cwd=folder, check=False, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        assert "exclude-newer" not in (folder / "uv.lock").read_text()


def test_an_index_without_upload_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the day can't be kept to, and the newest packages are locked."""
    days: list[str] = []

    def uv_lock(_uv: str, project: Path, newest: str = "") -> subprocess.CompletedProcess[str]:
        days.append(newest)
        (project / "uv.lock").write_text("version = 1\n")
        return subprocess.CompletedProcess([], 1 if newest else 0, "", "no upload time")

    monkeypatch.setattr(setup, "_uv_lock", uv_lock)
    outcome = setup.lock(tmp_path, "2020-01-01T00:00:00Z")
    assert days == ["2020-01-01T00:00:00Z", ""]
    assert outcome == setup.Outcome("changed", "uv.lock, 0 packages")


@pytest.mark.parametrize(("required", "failed"), [("", 0), ("docker", 0), ("docker,browser", 1)])
def test_what_is_required_may_not_be_skipped(tmp_path: Path, bakery: Bakery, required: str, failed: int) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.needs('browser')\ndef test_it():\n    pytest.skip('no chromium here')\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rsf",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        str(tmp_path),
    ]
    environment = {**bakery.environment, "REQUIRE": required, "PYTHONPATH": f"{bakery.root}{os.pathsep}{SERVICE}"}
    done = bakery.run([*command, "--rootdir", str(tmp_path), "-o", "markers=needs"], cwd=tmp_path, env=environment)
    assert done.returncode == failed, done.stdout + done.stderr
    assert "no chromium here" in done.stdout
