"""`provision` of a bare Debian: a container with sshd. It has no engine that runs, so nothing is deployed there."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.guests import ACCOUNT, Guest, bare
from tests.support.machines import MachineStage

pytestmark = [pytest.mark.drill(minutes=3), pytest.mark.needs("docker")]


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    with bare(tmp_path / "ssh") as made:
        yield made


def test_a_bare_host_is_prepared_once(actor: MachineStage, guest: Guest) -> None:
    stage = replace(actor, name="test-bare", port=8080, hosts=(guest,))
    printed = stage.task("provision")
    assert printed.code == 6, printed
    assert "Docker is not installed" in printed.out
    assert "apt-get install" in printed.out
    assert "docker" not in guest.root("ls /usr/bin")

    refused = stage.task("provision", "--yes")
    assert refused.code == 6, refused
    assert "NO_SUDO" in refused.out

    guest.root(f"echo '{ACCOUNT} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{ACCOUNT}")
    ended = stage.task("provision", "--yes")
    assert ended.code == 0, ended
    for change in ("installed Docker", f"added {ACCOUNT} to the group docker", "created /var/lib/deploy"):
        assert change in ended.out
    assert "docker" in guest.run("docker --version").lower()
    assert "docker" in guest.run("id -nG").split()
    assert guest.run("touch /var/lib/deploy/probe && stat -c %U /var/lib/deploy/probe").strip() == ACCOUNT

    again = stage.task("provision", "--yes")
    assert again.code == 0, again
    assert "ready for deploys" in again.out
    # The control: without the engine's service a deploy is refused, with the reason.
    deployed = replace(stage, database="postgresql://u:p@h/d").deploy("v1")
    assert deployed.code == 6, deployed
    assert "ENGINE" in deployed.out
