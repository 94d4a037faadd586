"""Deploys under load: no request fails. The control: without the drain and the proxy's retries some do."""

import re
from pathlib import Path

import pytest

from tests.support.machines import MachineStage
from tests.support.running import PATIENCE
from tests.support.stage import until

pytestmark = pytest.mark.alone  # serves under load

REQUESTS = 30_000


@pytest.mark.drill(minutes=8)
def test_ten_deploys_under_load(running: MachineStage) -> None:
    with running.load(rate=170) as load:
        for turn in range(10):
            ended = running.deploy(("v2", "v3", "v1")[turn % 3])
            assert ended.code == 0, ended
            assert re.search(r"changed +release ", ended.out)
        until(lambda: load.sent >= REQUESTS, PATIENCE, f"{REQUESTS} requests")
    print(f"{load.sent} requests, failures {dict(load.failures)}, slowest {load.slowest:.2f} s")
    assert not load.failures


@pytest.mark.drill(minutes=2)
def test_control_with_a_reload_of_the_proxy_requests_fail(running: MachineStage, tmp_path: Path) -> None:
    """A proxy whose configuration is loaded by every deploy, as it would be without an address for each instance."""
    stage = running.copy(tmp_path)
    proxy = stage.project / "toolkit" / "deploy" / "places" / "machine" / "proxy.py"
    before = proxy.read_text()
    proxy.write_text(before.replace("\tadmin off\n", ""))
    assert proxy.read_text() != before
    assert stage.deploy("v1").code == 0
    reload = f"docker exec {stage.name}-proxy caddy reload --force --config /etc/caddy/Caddyfile"
    with stage.load(rate=170) as load:
        for _ in range(20):
            stage.hosts[0].run(f"{reload} 2>&1; sleep 0.5")
    print(f"control: {load.sent} requests, failures {dict(load.failures)}")
    assert load.failures
    assert running.deploy("v1").code == 0


@pytest.mark.drill(minutes=3)
def test_control_without_drain_and_retries_requests_fail(running: MachineStage, tmp_path: Path) -> None:
    """Neither the old instances wait, nor does the proxy try another one: either of the two hides most failures."""
    stage = running.copy(tmp_path)
    proxy = stage.project / "toolkit" / "deploy" / "places" / "machine" / "proxy.py"
    before = proxy.read_text()
    proxy.write_text(before.replace("\t\tlb_try_duration 5s\n", ""))
    assert proxy.read_text() != before
    none = ("-e", "drain_seconds=0", "-e", "graceful_seconds=1")
    assert stage.deploy("v2", *none).code == 0
    with stage.load(rate=170) as load:
        for turn in range(4):
            assert stage.deploy(("v1", "v2")[turn % 2], *none).code == 0
    print(f"control: {load.sent} requests, failures {dict(load.failures)}")
    assert load.failures
