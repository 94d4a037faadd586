"""Two machines: one after the other, and back on the first when the second fails."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.machines import IDLE, Host, MachineStage

pytestmark = pytest.mark.drill(minutes=4)


@pytest.fixture(scope="module")
def pair(actor: MachineStage, second_machine: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MachineStage]:
    first = actor.hosts[0]
    config = tmp_path_factory.mktemp("ssh") / "config"
    config.write_text(Path(first.config).read_text() + Path(second_machine.config).read_text())
    with replace(actor, hosts=(first, second_machine), ssh_config=str(config)).fresh() as made:
        ended = made.deploy("v1")
        assert ended.code == 0, ended
        yield made


def test_every_host_gets_the_release(pair: MachineStage) -> None:
    ended = pair.deploy("v2")
    assert ended.code == 0, ended
    assert [pair.served(host) for host in pair.hosts] == [pair.images["v2"]] * 2
    again = pair.deploy("v2")
    assert "changed=0" in again.out, again
    assert pair.deploy("v1").code == 0


def test_failure_on_the_second_host_puts_the_first_back(pair: MachineStage) -> None:
    """Another program takes the port of its proxy, which is gone."""
    second = pair.hosts[1]
    second.run(f"docker rm -f {pair.name}-proxy && docker run -d --name {pair.name}-thief -p {pair.port}:80 {IDLE}")
    try:
        ended = pair.deploy("v3")
        assert ended.code == 4, ended  # not even the earlier release serves on the second
        assert "PORT_TAKEN" in ended.out
        assert pair.served(pair.hosts[0]) == pair.images["v1"]
    finally:
        second.run(f"docker rm -f {pair.name}-thief")
    assert pair.deploy("v1").code == 0
    assert [pair.served(host) for host in pair.hosts] == [pair.images["v1"]] * 2


def test_unreachable_host_is_found_before_anything_changes(pair: MachineStage) -> None:
    before = [pair.containers(host) for host in pair.hosts]
    hosts = ", ".join([pair.hosts[0].ssh, "deploy@10.251.1.77", pair.hosts[1].ssh])
    ended = pair.deploy("v2", "-e", f"hosts=[{hosts}]")
    assert ended.code == 6, ended
    assert "HOST_UNREACHABLE" in ended.out
    assert [pair.containers(host) for host in pair.hosts] == before
