"""Faults of the machine, and of the way to it. They concern every project of the host: nothing else runs then."""

import os
import subprocess
import threading

import pytest

from tests.support.machines import MachineStage
from tests.support.running import PATIENCE
from tests.support.stage import until

SWITCH = os.environ.get("TEST_VM_SWITCH", "")  # a program with the commands stop, start, cut SECONDS
pytestmark = [
    pytest.mark.alone,
    pytest.mark.drill(minutes=6),
    pytest.mark.skipif(not SWITCH, reason="nothing switches the machine off and on (TEST_VM_SWITCH)"),
]


def switch(*arguments: str) -> None:
    subprocess.run([*SWITCH.split(), *arguments], check=True, timeout=PATIENCE, capture_output=True)


def test_reboot_serves_again(running: MachineStage) -> None:
    assert running.deploy("v2").code == 0
    switch("stop")
    switch("start")
    running.hosts[0].run(f"docker start {running.name}-postgres")  # not ours: it has no restart policy
    until(lambda: running.served() == running.images["v2"], PATIENCE, "the service after a reboot")
    # The kept container did not start with the others.
    assert running.containers() == {"blue-1": "exited", "green-1": "running", "proxy": "running"}
    assert "changed=0" in running.deploy("v2").out


@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_cut_connection(running: MachineStage, seconds: int) -> None:
    """A short cut is survived; after a long one the next deploy converges."""
    image = "v1" if running.served() == running.images["v2"] else "v2"
    with running.deploying(image) as child:
        assert child.stdout
        for line in child.stdout:
            if " migrate " in line:
                break
        cut = threading.Thread(target=switch, args=("cut", str(seconds)))
        cut.start()
        out, _ = child.communicate(timeout=PATIENCE)
        cut.join(PATIENCE)
    if seconds == 1:
        assert child.returncode == 0, out
    assert "Traceback" not in out
    until(lambda: running.served(), PATIENCE, "the machine after the cut")
    ended = running.deploy(image)
    assert ended.code == 0, ended
    assert running.served() == running.images[image]
