"""The clone of the template that `template.update` works with: at a tag, at a commit, and one line when it cannot."""

from pathlib import Path

import pytest

from tests.support import older
from toolkit.dev import template_update


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A repository whose first commit has a tag and no task `update`; the others have one."""
    folder = tmp_path / "template"
    older.git(tmp_path, "init", "--quiet", "--initial-branch", "main", str(folder))
    (folder / "tasks.py").write_text("")
    older.commit_all(folder, "Start")
    older.git(folder, "tag", "v0.1.0")
    (folder / "workshop" / "update").mkdir(parents=True)
    for version in ("0.2.0", "0.3.0"):
        (folder / "workshop" / "update" / "version").write_text(version)
        older.commit_all(folder, f"Release {version}")
        older.git(folder, "tag", "-a", f"v{version}", "-m", f"Version {version}")
    return folder


@pytest.fixture
def service(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def version(clone: Path) -> str:
    return (clone / "workshop" / "update" / "version").read_text()


def test_a_tag_a_commit_a_branch_or_the_newest(template: Path, service: Path) -> None:
    commit = older.git(template, "rev-parse", "v0.2.0^{commit}")
    older.git(template, "branch", "older", commit)
    for to in ("v0.2.0", commit, commit[:10], "older"):
        assert version(template_update.fetch(service, str(template), to)) == "0.2.0"
    assert version(template_update.fetch(service, str(template), "")) == "0.3.0"


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("v7", "has no tag, branch or commit v7: "),
        ("v0.1.0", "has no task `update` at v0.1.0: "),
    ],
)
def test_a_version_that_cannot_be_taken(template: Path, service: Path, to: str, words: str) -> None:
    with pytest.raises(SystemExit) as refused:
        template_update.fetch(service, str(template), to)
    assert words in str(refused.value)
    assert "Nothing was changed." in str(refused.value)


def test_without_network_the_address_and_the_reason_are_named(service: Path) -> None:
    address = "http://127.0.0.1:1/template.git"  # nobody listens on port 1
    with pytest.raises(SystemExit) as refused:
        template_update.fetch(service, address, "")
    first, second = str(refused.value).splitlines()
    assert first.startswith(f"The template cannot be fetched from {address}: fatal: unable to access")
    assert second.startswith("Nothing was changed. Check the address and the network")


def test_without_a_recorded_address_the_option_is_named(service: Path) -> None:
    (service / "service.toml").write_text('[service]\nname = "shop"\n')
    with pytest.raises(SystemExit, match=r"template.update --from ADDRESS"):
        template_update.recorded_address(service)
