"""`inventory.import`: what Terraform made becomes keys of the inventory."""

import json
from pathlib import Path

import pytest

from toolkit.deploy.infrastructure import importing
from toolkit.deploy.inventory import load
from toolkit.deploy.outcomes import Exit

INVENTORY = """\
all:
  place: machine
staging:
  hosts: []  # required
"""
KEYS = {"hosts": ["deploy@203.0.113.7"], "proxy": {"domain": "shop.example.com"}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    (tmp_path / load.FILE).write_text(INVENTORY)
    (tmp_path / "service.toml").write_text('[service]\nname = "shop"\nimage = "registry.example/shop"\n')
    give(tmp_path, KEYS)
    return tmp_path


def give(project: Path, keys: object) -> None:
    (project / "outputs.json").write_text(json.dumps({"inventory": {"value": {"staging": keys}}}))


def run(project: Path, *, check: bool = False, diff: bool = False, source: str = "outputs.json") -> int:
    return importing.run(project, "staging", source, check=check, diff=diff)


def test_check_shows_and_writes_nothing_then_it_is_written_once(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(project, check=True) == Exit.CHANGES
    shown = capsys.readouterr().out
    assert "+  hosts: [deploy@203.0.113.7]  # required" in shown
    assert (project / load.FILE).read_text() == INVENTORY

    assert run(project, diff=True) == Exit.OK
    assert "+  proxy: {domain: shop.example.com}" in capsys.readouterr().out
    environment = load.load(project, "staging", (), {})
    assert environment.proxy.domain == "shop.example.com"
    assert environment.hosts[0].ssh == "deploy@203.0.113.7"
    written = (project / load.FILE).read_text()

    assert run(project, check=True) == Exit.OK
    assert run(project) == Exit.OK
    assert "has the keys of outputs.json already" in capsys.readouterr().out
    assert (project / load.FILE).read_text() == written


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"hots": ["x"]}, "hots: not a key of place machine; did you mean hosts?"),
        ({"hosts": []}, "hosts: name at least one machine"),
        ({"proxy": {"domain": "X"}}, "proxy.domain:"),
        ({"place": "moon"}, "unknown place 'moon'"),
    ],
)
def test_keys_that_the_schema_refuses_are_not_written(
    project: Path, keys: object, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    give(project, keys)
    assert run(project) == Exit.REFUSED
    shown = capsys.readouterr()
    assert words in shown.out + shown.err
    assert (project / load.FILE).read_text() == INVENTORY


@pytest.mark.parametrize(("source", "words"), [("", "--from is missing"), ("infra/aws", "infra/aws does not exist")])
def test_a_source_that_does_not_exist(
    project: Path, source: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(project, source=source) == Exit.REFUSED
    shown = capsys.readouterr()
    assert words in shown.out + shown.err


def test_a_missing_terraform_is_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "infra").mkdir()
    monkeypatch.setenv("PATH", str(project))
    assert run(project, source="infra") == Exit.REFUSED
    shown = capsys.readouterr()
    assert "terraform is not installed" in shown.out + shown.err
