"""Backups of an environment whose database the toolkit does not run."""

from pathlib import Path

import pytest

from toolkit.deploy.operations import backups

INVENTORY = """
cluster: {context: no-such-context}
machine: {place: machine, hosts: [deploy@203.0.113.7]}
"""


@pytest.mark.parametrize("name", ["cluster", "machine"])
def test_refused_before_a_connection(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the cluster nor the host exists: a connection would fail with another code."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "inventory.yaml").write_text(INVENTORY)
    (tmp_path / "service.toml").write_text('[service]\nname = "lamps"\nimage = "registry.example/lamps"\n')
    assert backups.backup(tmp_path, name, ()) == 6
    assert "NO_ACCESSORY" in capsys.readouterr().out
