"""Two machines: one after the other, and back on the first when the second fails."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.guests import beside
from tests.support.machines import IDLE, Host, MachineStage, clear
from tests.support.running import PATIENCE
from tests.support.stage import until

pytestmark = pytest.mark.drill(minutes=4)
SWITCH = os.environ.get("TEST_VM2_SWITCH", "")  # a program with the command cut SECONDS


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


def test_operations_and_processes_reach_every_host(pair: MachineStage) -> None:
    """A worker runs on each host, a scheduled command on the first alone."""
    processes = json.dumps(
        {
            "worker": {"command": ["sleep", "100000"], "grace_seconds": 1},
            "nightly": {"command": ["true"], "schedule": "0 3 1 1 *"},
        }
    )
    given = ("-e", f"processes={processes}")
    ended = pair.deploy("v1", *given)
    assert ended.code == 0, ended
    assert "changed=0" in pair.deploy("v1", *given).out
    before = [running(pair, host) for host in pair.hosts]
    assert [sorted(each) for each in before] == [["blue", "nightly", "proxy", "worker"], ["blue", "proxy", "worker"]]
    with pair.load(rate=20, threads=2) as load:
        restarted = pair.task("restart", "--yes", *given)
    assert restarted.code == 0, restarted
    assert not load.failures
    after = [running(pair, host) for host in pair.hosts]
    for old, new in zip(before, after, strict=True):
        assert new["worker"] != old["worker"]
        assert new["proxy"] == old["proxy"]
        assert "blue" not in new
    scaled = pair.task("scale", "2", "--yes", *given)
    assert scaled.code == 0, scaled
    for host in pair.hosts:
        assert pair.containers(host).keys() >= {"green-1", "green-2"}
    assert pair.deploy("v1").code == 0
    assert not [name for host in pair.hosts for name in running(pair, host) if name in ("worker", "nightly")]


def running(stage: MachineStage, host: Host) -> dict[str, str]:
    """Ids of the containers that run, by the first part of their names."""
    form = "{{.Names}} {{.ID}}"
    script = f"docker ps --filter label=deploy.project={stage.name} --format '{form}'"
    rows = [line.removeprefix(f"{stage.name}-").split() for line in host.run(script).splitlines()]
    return {name.split("-")[0]: id_ for name, id_ in rows}


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


@pytest.mark.alone  # nothing else uses the second machine then
@pytest.mark.needs("docker")
def test_a_host_lost_during_its_release_leaves_the_first_put_back_and_the_third_untouched(
    pair: MachineStage, tmp_path: Path
) -> None:
    if not SWITCH:
        pytest.skip("nothing cuts the second machine off (TEST_VM2_SWITCH)")
    with beside(tmp_path / "ssh") as third:
        config = tmp_path / "config"
        config.write_text(Path(pair.ssh_config).read_text() + Path(third.config).read_text())
        trio = replace(pair, hosts=(*pair.hosts, third), ssh_config=str(config))
        try:
            started = trio.deploy("v1")
            assert started.code == 0, started
            untouched = trio.containers(third)
            with trio.deploying("v2") as child:
                until(lambda: trio.served() == trio.images["v2"], PATIENCE, "the release on the first host")
                subprocess.run([*SWITCH.split(), "cut", "60"], check=True, timeout=PATIENCE, capture_output=True)
                out, _ = child.communicate(timeout=PATIENCE)
            assert child.returncode == 4, out
            assert "HOST_LOST" in out
            assert trio.hosts[1].ssh in out
            assert trio.served() == trio.images["v1"]
            assert trio.containers(third) == untouched
            assert trio.served(third) == trio.images["v1"]
            until(lambda: trio.served(trio.hosts[1]), PATIENCE, "the second host")
            # The control: with every host, the same deploy reaches the third.
            ended = trio.deploy("v2")
            assert ended.code == 0, ended
            assert [trio.served(host) for host in trio.hosts] == [trio.images["v2"]] * 3
        finally:
            clear(third, trio.name)
