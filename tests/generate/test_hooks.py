"""The hook on machines with missing parts, and in folders that are not empty."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from tests.support.bakery import GIT_CONFIG, Bakery
from toolkit.dev import setup

NETWORK = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL", "UV_FIND_LINKS", "PIP_FIND_LINKS", "UV_CACHE_DIR")
NOWHERE = "http://127.0.0.1:1/simple"


@pytest.fixture
def offline(bakery: Bakery, tmp_path: Path) -> dict[str, str]:
    """No network, and nothing downloaded before."""
    kept = {name: value for name, value in bakery.environment.items() if name not in NETWORK}
    none = {"UV_DEFAULT_INDEX": NOWHERE, "PIP_INDEX_URL": NOWHERE, "PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0"}
    return {**kept, **none, "UV_CACHE_DIR": str(tmp_path / "empty"), "XDG_CACHE_HOME": str(tmp_path / "caches")}


@pytest.fixture
def plain(tmp_path: Path) -> list[str]:
    """Cookiecutter on a Python that has no other program beside it: neither uv nor ruff."""
    folder = tmp_path / "plain"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "cookiecutter.pth").write_text(sysconfig.get_path("purelib"))
    return [str(folder / "bin" / "python"), "-m", "cookiecutter"]


def git(service: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=service, check=True, capture_output=True, text=True).stdout.strip()


def steps(output: str) -> dict[str, str]:
    """Status by step."""
    lines = (line.split() for line in output.splitlines())
    return {words[1]: words[0] for words in lines if len(words) > 1 and words[0] in ("ok", "changed", "skipped")}


def test_default(bakery: Bakery) -> None:
    service = bakery.bake()
    assert len(list((service / "alembic" / "versions").glob("*_initial.py"))) == 1
    assert git(service, "rev-parse", "main") == git(service, "rev-parse", "template")
    committed = git(service, "ls-files").splitlines()
    assert {"uv.lock", "docs/openapi.json", "service.toml"} <= set(committed)
    assert not [name for name in committed if name.startswith((".venv", ".dev")) or name.endswith((".env", ".pyc"))]
    assert "exclude-newer" not in (service / "uv.lock").read_text()


@pytest.mark.drill(minutes=1)
def test_no_network(bakery: Bakery, offline: dict[str, str], tmp_path: Path) -> None:
    """A skipped step is reported with the command that completes it, and that command works."""
    done = bakery.cookiecutter(tmp_path, env=offline)
    service = tmp_path / "product-catalogue"
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert steps(done.stdout) == {
        **dict.fromkeys(("options", "resources", "git"), "changed"),
        **dict.fromkeys(("lock", "environment", "revision", "openapi"), "skipped"),
    }
    # Asked once: neither without the day, nor by the next step.
    assert "the package index is unreachable (UV_DEFAULT_INDEX names it)" in done.stdout
    assert "needs the lock file" in done.stdout

    # The last lines say where it is, and what to do: as they are printed.
    assert done.stdout.splitlines()[-3] == f"The service is in {service}. Next:"
    commands = "\n".join(done.stdout.splitlines()[-2:])
    assert commands.endswith("python3 tasks.py setup")
    finished = bakery.run(["sh", "-euc", commands], cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert steps(finished.stdout)["revision"] == "changed"
    assert git(service, "status", "--porcelain") == ""
    assert git(service, "rev-parse", "main") == git(service, "rev-parse", "template")


def test_resources_that_no_ruff_could_format(
    bakery: Bakery, offline: dict[str, str], plain: list[str], tmp_path: Path
) -> None:
    """The command that is printed formats them, and to the generator they are still its own."""
    done = bakery.run([*plain, str(bakery.template), "--no-input", "-o", str(tmp_path)], env=offline)
    service = tmp_path / "product-catalogue"
    assert done.returncode == 0, done.stderr
    lines = iter(done.stdout.splitlines())
    assert "not formatted" in next(line for line in lines if line.split()[1:2] == ["resources"])
    command = next(lines).partition("finish it later: ")[2]
    finished = bakery.run(["sh", "-euc", command], cwd=service)
    assert finished.returncode == 0, finished.stdout + finished.stderr

    python = str(service / ".venv" / "bin" / "python")
    assert bakery.run([python, "-m", "ruff", "check"], cwd=service).stdout == "All checks passed!\n"
    (line,) = tomllib.loads((service / "service.toml").read_text())["resources"]["lines"]
    again = bakery.run([python, "tasks.py", "resource.add", line, "--check"], cwd=service)
    assert again.returncode == 0, again.stdout + again.stderr
    assert {line.split()[0] for line in again.stdout.splitlines()} == {"ok"}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "(UV_DEFAULT_INDEX names another one)"),
        ({"UV_DEFAULT_INDEX": NOWHERE, "PIP_INDEX_URL": NOWHERE}, "(UV_DEFAULT_INDEX names it)"),
        ({"PIP_INDEX_URL": NOWHERE}, 'uv does not read PIP_INDEX_URL: export UV_DEFAULT_INDEX="$PIP_INDEX_URL"'),
    ],
)
def test_the_setting_of_the_index_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name in NETWORK:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert said in setup.reason("cause: error sending request for url (https://index.example/simple/x/)")


@pytest.mark.drill
def test_no_uv(bakery: Bakery, plain: list[str], tmp_path: Path) -> None:
    """Without uv beside cookiecutter's Python or on PATH, venv and pip do it."""
    path = [folder for folder in os.environ["PATH"].split(os.pathsep) if not Path(folder, "uv").exists()]
    environment = {**bakery.environment, "PATH": os.pathsep.join(path)}
    done = bakery.run([*plain, str(bakery.template), "--no-input", "-o", str(tmp_path)], env=environment)
    assert done.returncode == 0, done.stderr
    assert set(steps(done.stdout).values()) == {"changed"}, done.stdout
    assert git(tmp_path / "product-catalogue", "status", "--porcelain") == ""


@pytest.mark.drill(minutes=1)
def test_no_git_identity(bakery: Bakery, offline: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {**offline, "HOME": str(home)}
    done = bakery.cookiecutter(tmp_path, env=environment)
    service = tmp_path / "product-catalogue"
    assert done.returncode == 0, done.stderr
    assert steps(done.stdout)["git"] == "skipped"
    assert "git config --global user.name" in done.stdout

    (home / ".gitconfig").write_text("[user]\n name = Ada\n email = ada@example.com\n")
    finished = bakery.run(
        [sys.executable, "tasks.py", "setup"], cwd=service, env={**bakery.environment, "HOME": str(home)}
    )
    assert steps(finished.stdout)["git"] == "changed", finished.stdout
    assert git(service, "log", "--format=%an %s") == "Ada Start the service"


def test_hostile_git_settings(bakery: Bakery, offline: dict[str, str], tmp_path: Path) -> None:
    """Signing, hooks for every repository and ignored files are a person's, not the generator's."""
    home, hooks = tmp_path / "home", tmp_path / "hooks"
    (home / "template" / "hooks").mkdir(parents=True)
    hooks.mkdir()
    for folder in (hooks, home / "template" / "hooks"):
        for name in ("pre-commit", "commit-msg", "post-commit", "post-checkout"):
            (folder / name).write_text("#!/bin/sh\necho a hook ran >&2\nexit 1\n")
            (folder / name).chmod(0o755)
    (home / "ignored").write_text("*.toml\n*.lock\n")
    (home / ".gitconfig").write_text(
        "[user]\n name = Ada\n email = ada@example.com\n signingkey = 0000\n[commit]\n gpgsign = true\n"
        f"[core]\n hooksPath = {hooks}\n excludesFile = {home}/ignored\n[init]\n templateDir = {home}/template\n"
    )
    environment = {**offline, "HOME": str(home), "GIT_DIR": str(tmp_path / "elsewhere")}
    done = bakery.cookiecutter(tmp_path, env=environment)
    assert steps(done.stdout)["git"] == "changed", done.stdout + done.stderr
    assert {"pyproject.toml", "service.toml"} <= set(git(tmp_path / "product-catalogue", "ls-files").splitlines())
    assert not (tmp_path / "elsewhere").exists()


def test_inside_another_repository(bakery: Bakery, offline: dict[str, str], tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    done = bakery.cookiecutter(tmp_path, env=offline)
    assert done.returncode == 0, done.stderr
    assert f"inside the repository {tmp_path}" in done.stdout
    assert git(tmp_path / "product-catalogue", "rev-parse", "--show-toplevel") == str(tmp_path / "product-catalogue")
    assert git(tmp_path, "status", "--porcelain") == "?? product-catalogue/"


def test_a_folder_that_exists(bakery: Bakery, tmp_path: Path) -> None:
    """Refused and left unchanged; with --overwrite-if-exists generated again, without touching git's content."""
    service = tmp_path / "product-catalogue"
    bakery.copy(bakery.bake(), service)
    (service / "README.md").write_text("mine\n")
    refused = bakery.cookiecutter(tmp_path)
    assert refused.returncode == 1
    assert "already exists" in refused.stdout
    assert (service / "README.md").read_text() == "mine\n"

    before = git(service, "rev-parse", "main", "template")
    done = bakery.cookiecutter(tmp_path, "--overwrite-if-exists")
    assert done.returncode == 0, done.stderr
    assert steps(done.stdout)["git"] == "ok"
    told = done.stdout.splitlines()[-3:]
    assert told == [f"The service is in {service}. Next:", f"  cd {service}", "  python3 tasks.py dev"]
    assert (service / "README.md").read_text() != "mine\n"
    assert git(service, "rev-parse", "main", "template") == before
    # Databases are at the first revision: it is no other one now.
    assert steps(done.stdout)["revision"] == "ok"
    assert git(service, "status", "--porcelain", "alembic") == ""


@pytest.mark.drill
def test_a_service_is_updated_by_its_branch_template(bakery: Bakery, tmp_path: Path) -> None:
    """As README says it: what the template has changed comes by a merge, beside what a person has changed."""
    template, service = tmp_path / "newer", tmp_path / "product-catalogue"
    shutil.copytree(bakery.template, template)
    bakery.copy(bakery.bake(), service)
    me = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    (service / "README.md").write_text((service / "README.md").read_text() + "Mine.\n")
    git(service, *me, "commit", "--quiet", "--all", "-m", "Say whose it is")
    revisions = git(service, "ls-files", "alembic/versions")

    page = template / "<<cookiecutter.project_slug>>" / "docs" / "runbook.md"
    page.write_text(page.read_text() + "The template's.\n")
    git(service, "switch", "--quiet", "template")
    done = bakery.cookiecutter(tmp_path, "--overwrite-if-exists", template=str(template))
    assert done.returncode == 0, done.stderr
    git(service, "add", "--all")
    git(service, *me, "commit", "--quiet", "-m", "Update from the template")
    git(service, "switch", "--quiet", "main")
    git(service, *me, "merge", "--quiet", "--no-edit", "template")
    assert (service / "docs" / "runbook.md").read_text().endswith("The template's.\n")
    assert (service / "README.md").read_text().endswith("Mine.\n")
    assert git(service, "ls-files", "alembic/versions") == revisions
    assert git(service, "status", "--porcelain") == ""


def test_without_hooks(bakery: Bakery, tmp_path: Path) -> None:
    """A skeleton, which the command in README finishes. What it replays is in a home that nobody else uses."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(GIT_CONFIG)
    environment = {**bakery.environment, "HOME": str(home)}
    skeleton = bakery.cookiecutter(tmp_path, "--accept-hooks", "no", env=environment)
    assert skeleton.returncode == 0, skeleton.stderr
    service = tmp_path / "product-catalogue"
    assert not (service / ".git").exists()

    command = [sys.executable, "-m", "cookiecutter", str(bakery.template), "--replay", "--overwrite-if-exists"]
    done = bakery.run([*command, "-o", str(tmp_path)], env=environment)
    assert done.returncode == 0, done.stderr
    assert set(steps(done.stdout).values()) == {"changed"}, done.stdout
    assert git(service, "status", "--porcelain") == ""


@pytest.mark.parametrize("by", ["address", "directory"])
def test_other_ways_to_name_the_template(bakery: Bakery, tmp_path: Path, offline: dict[str, str], by: str) -> None:
    """The extension and the hook are found wherever cookiecutter puts the template."""
    inner = tmp_path / "repository.git" / ("templates/service" if by == "directory" else "")
    shutil.copytree(bakery.template, inner)
    git(tmp_path / "repository.git", "init", "--quiet")
    git(tmp_path / "repository.git", "add", "--all")
    git(tmp_path / "repository.git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "x")
    options = ["--directory", "templates/service"] if by == "directory" else []
    home = {"HOME": str(tmp_path), "GIT_CONFIG_COUNT": "0"}
    address = f"file://{tmp_path / 'repository.git'}"
    done = bakery.cookiecutter(tmp_path / "out", *options, template=address, env={**offline, **home})
    assert done.returncode == 0, done.stderr
    assert steps(done.stdout)["resources"] == "changed"
    refused = bakery.cookiecutter(tmp_path / "none", *options, "auth=magic", template=address, env={**offline, **home})
    assert refused.returncode != 0
    assert list((tmp_path / "none").iterdir()) == []


def test_strays_of_the_template_are_not_copied(bakery: Bakery, offline: dict[str, str], tmp_path: Path) -> None:
    template = tmp_path / "template"
    shutil.copytree(bakery.template, template)
    inner = template / "<<cookiecutter.project_slug>>"
    strays = [".venv/bin/python", "app/__pycache__/old.pyc", ".hypothesis/unicode", ".dev/postgres/log", ".coverage"]
    for name in (*strays, "tests/.pytest_cache/x", ".ruff_cache/x"):
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        (inner / name).write_bytes(b"\xff left over")
    done = bakery.cookiecutter(tmp_path / "out", template=str(template), env=offline)
    assert done.returncode == 0, done.stderr
    found = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and b"left over" in path.read_bytes()]
    assert found == []


@pytest.mark.parametrize("reached", ["options", "resources", "lock", "environment"])
def test_interrupted(bakery: Bakery, tmp_path: Path, reached: str) -> None:
    """Ctrl-C, which a terminal sends to all processes at once, leaves no half-made folder and no process."""
    command = [sys.executable, "-m", "cookiecutter", str(bakery.template), "--no-input", "-o", str(tmp_path)]
    with subprocess.Popen(
        command,
        env=bakery.environment,
        start_new_session=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.split()[1:2] == [reached]:
                os.killpg(running.pid, signal.SIGINT)
                break
        rest = running.stdout.read()  # until the last process has closed it
    assert running.returncode != 0
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_generator(bakery: Bakery, offline: dict[str, str], tmp_path: Path) -> None:
    """Exit code 1, one line, and no half-made folder."""
    template = tmp_path / "template"
    shutil.copytree(bakery.template, template)
    broken = (
        template / "<<cookiecutter.project_slug>>" / "toolkit" / "resources" / "templates" / "app" / "resources.py.j2"
    )
    broken.write_text("<< nothing.of_the_kind >>")
    done = bakery.cookiecutter(tmp_path / "out", template=str(template), env=offline)
    assert done.returncode == 1
    assert "The generator failed" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []
