"""Removal of a project from a host: what is deleted, in which order, and what stays."""

import pytest

from toolkit.deploy.places.machine import containers
from toolkit.deploy.places.machine.engine import ROLE, Instance
from toolkit.deploy.places.machine.host import State
from toolkit.deploy.places.machine.removal import changes

FOLDER = "/var/lib/deploy/shop"


def container(name: str, role: str, *networks: str) -> Instance:
    return Instance(name, name, {ROLE: role}, "running", addresses=dict.fromkeys(networks, "10.0.0.2"))


PROXY = container("shop-proxy", containers.PROXY, "shop-edge")
WEB = container("shop-blue-1", containers.WEB, "shop", "shop-edge")
COMMAND = container("shop-run-1", containers.ONE_OFF, "shop")
DATABASE = container("shop-postgres", "database", "shop")


@pytest.mark.parametrize(
    ("instances", "volumes", "files", "expected"),
    [
        ([], [], [], ["network shop", "network shop-edge"]),
        (
            [WEB, COMMAND, PROXY],
            ["shop-caddy"],
            ["history", "lock"],
            [
                "container shop-proxy",
                "container shop-blue-1",
                "container shop-run-1",
                "network shop",
                "network shop-edge",
                "volume shop-caddy",
                f"folder {FOLDER}",
            ],
        ),
        # A database stays, with its network and its files.
        ([DATABASE, WEB], [], ["backups"], ["container shop-blue-1", "network shop-edge"]),
    ],
)
def test_what_is_deleted(instances: list[Instance], volumes: list[str], files: list[str], expected: list[str]) -> None:
    state = State("host", "shop", frozenset({"shop", "shop-edge"}), tuple(instances))
    made = changes(state, volumes, FOLDER, files)
    assert [str(change) for change in made] == [f"delete {name} on host" for name in expected]


def test_the_database_goes_last_and_its_backups_stay() -> None:
    state = State("host", "shop", frozenset({"shop"}), (DATABASE, WEB))
    made = changes(state, ["shop-caddy", "shop-postgres"], FOLDER, ["lock", "database", "backups"], database=True)
    names = [
        "container shop-blue-1",
        "container shop-postgres",
        "network shop",
        "volume shop-caddy",
        "volume shop-postgres",
    ]
    names += [f"folder {FOLDER}/database", f"folder {FOLDER}"]
    assert [str(change) for change in made] == [f"delete {name} on host" for name in names]
