"""Programs that are too old, or not meant for this template: one line that says so, or the error that README names."""

import subprocess
import sys
from pathlib import Path

import cookiecutter
import pytest
from click import ClickException
from jinja2 import Environment

import extensions
from tests.support.bakery import Bakery

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize("version", ["2.1.1", "2.6.0", "2.7.0", "2.7.1", "2.10.0", "3.0.0.dev1"])
def test_the_version_is_judged_when_the_extension_is_loaded(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(cookiecutter, "__version__", version)
    if version in ("2.7.1", "2.10.0", "3.0.0.dev1"):
        assert "checked" in Environment(extensions=[extensions.Answers], autoescape=True).filters
        return
    with pytest.raises(ClickException) as refused:
        Environment(extensions=[extensions.Answers], autoescape=True)
    assert f"Cookiecutter 2.7.1 or newer is required; this is {version}." in str(refused.value)


def test_readme_names_the_version_that_is_needed() -> None:
    assert f"({'.'.join(map(str, extensions.NEEDED))} or newer)" in README.read_text()


@pytest.fixture
def installed(bakery: Bakery, tmp_path: Path) -> Path:
    """An environment for another program, with uv as the template's own environment has it."""
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "old")], check=True)
    return tmp_path / "old"


def run(installed: Path, package: str, *command: str) -> subprocess.CompletedProcess[str]:
    uv, python = str(Path(sys.executable).parent / "uv"), str(installed / "bin" / "python")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, package, "setuptools"], check=True)
    program, *arguments = command
    return subprocess.run([str(installed / "bin" / program), *arguments], check=False, capture_output=True, text=True)


@pytest.mark.drill
@pytest.mark.parametrize("version", ["2.1.1", "2.6.0"])
def test_an_older_cookiecutter_is_one_line(bakery: Bakery, installed: Path, tmp_path: Path, version: str) -> None:
    out = tmp_path / "out"
    call = ("cookiecutter", str(bakery.template), "--no-input", "--output-dir", str(out))
    done = run(installed, f"cookiecutter=={version}", *call)
    assert done.returncode != 0
    (line,) = (done.stdout + done.stderr).strip().splitlines()
    assert f"2.7.1 or newer is required; this is {version}." in line
    assert not list(out.glob("*"))


@pytest.mark.drill
@pytest.mark.parametrize(
    ("package", "command", "named"),
    [
        ("cookiecutter==1.7.3", ("cookiecutter",), "Unable to load extension: No module named 'extensions'"),
        ("cruft", ("cruft", "create"), "UnableToFindCookiecutterTemplate"),
    ],
)
def test_readme_names_the_error_of_a_program_that_never_gets_here(
    bakery: Bakery, installed: Path, tmp_path: Path, package: str, command: tuple[str, ...], named: str
) -> None:
    template, environment = tmp_path / "template", ["-c", "user.name=a", "-c", "user.email=a@b"]
    bakery.copy(bakery.template, template)
    for arguments in (["init", "--quiet"], ["add", "--all"], [*environment, "commit", "--quiet", "-m", "x"]):
        subprocess.run(["git", *arguments], cwd=template, check=True)
    done = run(installed, package, *command, str(template), "--no-input", "--output-dir", str(tmp_path / "out"))
    assert done.returncode != 0
    assert named in done.stdout + done.stderr
    assert named in README.read_text()
