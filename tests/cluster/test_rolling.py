"""Rolling deploys under load: no request fails. The control: without the drain some do."""

import re

import pytest

from tests.support.stage import Stage, until

pytestmark = pytest.mark.alone  # serves under load

DRAIN = ("-e", "drain_seconds=8")
REQUESTS = 30_000


@pytest.mark.drill(minutes=5)
def test_ten_rolling_deploys_under_load(running: Stage) -> None:
    assert running.deploy("v2", *DRAIN).code == 0
    with running.load(rate=170) as load:
        for turn in range(10):
            ended = running.deploy(("v1", "v3", "v2")[turn % 3], *DRAIN)
            assert ended.code == 0, ended
            assert re.search(r"changed +release ", ended.out)
        until(lambda: load.sent >= REQUESTS, 300, f"{REQUESTS} requests")
    print(f"{load.sent} requests, failures {dict(load.failures)}, slowest {load.slowest:.2f} s")
    assert not load.failures


@pytest.mark.drill(minutes=2)
def test_control_without_the_drain_requests_fail(running: Stage) -> None:
    """`DRAIN_SECONDS=0` in the pods, and everything else as above.

    The last one here: connections to pods that were cut off stay in the kernel's table for minutes, and a later
    connection from the same port to the same NodePort would be sent after them.
    """
    none = ("-e", "drain_seconds=0")
    assert running.deploy("v2", *none).code == 0
    with running.load(rate=170) as load:
        for turn in range(4):
            assert running.deploy(("v1", "v2")[turn % 2], *none).code == 0
    print(f"control: {load.sent} requests, failures {dict(load.failures)}")
    assert load.failures
