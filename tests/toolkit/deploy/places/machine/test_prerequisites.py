"""Requirements of a deploy to machines, from what the hosts report."""

from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.machine.prerequisites import MachinePrerequisites, free_space, full
from toolkit.deploy.places.values import Variables


def machine(said: str) -> Any:
    connection = SimpleNamespace(run=lambda _: SimpleNamespace(out=said))
    return SimpleNamespace(name="host", folder="/var/lib/deploy/shop", connection=connection)


@pytest.mark.parametrize(
    ("said", "free", "lines"),
    [
        ("9000 /\n9000 /\n", {"/": 9000}, []),
        ("49 /\n", {"/": 49}, ["host: 49 MB free in /"]),
        (
            "9000 /\n0 /var/lib/deploy shop\n",
            {"/": 9000, "/var/lib/deploy shop": 0},
            ["host: 0 MB free in /var/lib/deploy shop"],
        ),
        ("", {}, []),  # a host without df
    ],
)
def test_free_space(said: str, free: dict[str, int], lines: list[str]) -> None:
    assert free_space(machine(said)) == free
    assert full(machine(said)) == lines


@pytest.mark.parametrize(
    ("lacking", "filled", "code"),
    [(("no flock",), ("host: 1 MB",), "HOST_NOT_READY"), ((), ("host: 1 MB",), "DISK_FULL")],
)
def test_faults_of_a_host(lacking: tuple[str, ...], filled: tuple[str, ...], code: str) -> None:
    with pytest.raises(Failed, match=code):
        MachinePrerequisites("shop", "production", lacking, Variables(), filled).plan()
    assert MachinePrerequisites("shop", "production", (), Variables()).plan().empty  # the control
