"""Origin of a service: each way to name the template records its version, commit and address."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support import older
from tests.support.bakery import Bakery

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository with two versions, of which the older has a tag."""
    folder = tmp_path_factory.mktemp("origin") / "template"
    older.git(folder.parent, "clone", "--quiet", str(ROOT), str(folder))
    older.git(folder, "remote", "remove", "origin")
    version(folder, "8.0.0")
    older.git(folder, "tag", "v8.0.0")
    version(folder, "9.0.0")
    return folder


def version(template: Path, number: str) -> None:
    """Release a version: its number in pyproject.toml, as a commit."""
    lines = (template / "pyproject.toml").read_text().splitlines(keepends=True)
    changed = [f'version = "{number}"\n' if line.startswith("version = ") else line for line in lines]
    (template / "pyproject.toml").write_text("".join(changed))
    older.commit_all(template, f"Release {number}")


def origin(bakery: Bakery, output: Path, template: str, *options: str) -> tuple[str, str, str]:
    """Version, commit and address in the service.toml of a service without its hook's parts."""
    # A folder of its own for clones: another worker of pytest may clone the same address at the same moment.
    config = output.with_name(f"{output.name}.yaml")
    config.write_text(f"cookiecutters_dir: {output.with_name(f'{output.name}-clones')}\n")
    options = ("--config-file", str(config), "--accept-hooks", "no", *options)
    done = bakery.cookiecutter(output, *options, template=template)
    assert done.returncode == 0, done.stderr
    content = tomllib.loads(next(output.glob("*/service.toml")).read_text())["service"]
    return content["template_version"], content["template_commit"], content["template_address"]


@pytest.mark.parametrize("checkout", ["v8.0.0", "commit", ""])
def test_from_an_address_at_a_tag_a_commit_or_the_newest(
    bakery: Bakery, template: Path, checkout: str, tmp_path: Path
) -> None:
    address = f"file://{template}"
    at_tag, newest = (older.git(template, "rev-parse", name) for name in ("v8.0.0^{commit}", "HEAD"))
    options = ["--checkout", at_tag if checkout == "commit" else checkout] if checkout else []
    # Cookiecutter takes an address for one by its `git+` or its `.git`.
    found = origin(bakery, tmp_path, f"git+{address}", *options)
    assert found == (("8.0.0", at_tag, address) if checkout else ("9.0.0", newest, address))


def test_from_a_folder(bakery: Bakery, template: Path, tmp_path: Path) -> None:
    newest = older.git(template, "rev-parse", "HEAD")
    assert origin(bakery, tmp_path, str(template)) == ("9.0.0", newest, str(template))


def test_from_a_folder_with_uncommitted_changes_no_commit_is_recorded(
    bakery: Bakery, template: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    older.git(tmp_path, "clone", "--quiet", str(template), str(changed))
    older.edit(changed / "README.md", lambda text: text + "\n")
    assert origin(bakery, tmp_path / "out", str(changed)) == ("9.0.0", "", str(template))


def test_from_an_archive(bakery: Bakery, template: Path, tmp_path: Path) -> None:
    """As the forges make it: it has the commit, and no address."""
    archive = tmp_path / "template-8.0.0.zip"
    command = ["git", "archive", "--format", "zip", "--prefix", "template-8.0.0/", "--output", str(archive), "v8.0.0"]
    subprocess.run(command, cwd=template, check=True)
    at_tag = older.git(template, "rev-parse", "v8.0.0^{commit}")
    assert origin(bakery, tmp_path / "out", str(archive)) == ("8.0.0", at_tag, "")
