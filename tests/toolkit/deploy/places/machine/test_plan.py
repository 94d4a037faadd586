"""Plans of a host: what a release changes, from what runs there."""

from dataclasses import replace
from typing import Any

import pytest

from toolkit.deploy.places.machine import containers, proxy
from toolkit.deploy.places.machine.engine import COLOUR, DIGEST, HASH, ROLE, SLOT, SPEC, Instance
from toolkit.deploy.places.machine.host import State
from toolkit.deploy.places.machine.plan import Wanted, changes, plan

PROJECT, EDGE = "shop", "shop-edge"
NETWORKS = frozenset({PROJECT, EDGE})


def web(digest: str = "new", **more: Any) -> dict[str, Any]:
    return {"kind": "web", "digest": digest, "replicas": 1, "port": 8000, **more}


def wanted(replicas: int = 1, digest: str = "new") -> Wanted:
    return Wanted(web(digest, replicas=replicas), "hash-of-proxy")


def instance(
    colour: str, slot: int = 1, digest: str = "new", status: str = "running", started: str = "1", *, routed: bool = True
) -> Instance:
    spec = web(digest)
    labels = {
        ROLE: "web",
        COLOUR: colour,
        SLOT: str(slot),
        HASH: containers.hash_of(spec),
        DIGEST: digest,
        SPEC: containers.spec_text(spec),
    }
    addresses = {PROJECT: "10.0.0.2", **({EDGE: "10.0.1.2"} if routed else {})}
    return Instance("id", f"shop-{colour}-{slot}", labels, status, started_at=started, addresses=addresses)


def front(hash_: str = "hash-of-proxy", status: str = "running") -> Instance:
    return Instance("id", proxy.name(PROJECT), {ROLE: "proxy", HASH: hash_}, status)


def shown(*instances: Instance, replicas: int = 1, networks: frozenset[str] = NETWORKS) -> list[str]:
    state = State("host", PROJECT, networks, instances)
    return [str(change) for change in changes(state, wanted(replicas))]


def test_bare_host_gets_everything() -> None:
    assert shown(networks=frozenset()) == [
        "create network shop on host",
        "create network shop-edge on host",
        "create container shop-proxy on host",
        "create container shop-blue-1 on host",
    ]


def test_same_release_plans_nothing() -> None:
    assert shown(front(), instance("blue")) == []


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        (
            [instance("blue", digest="old")],
            ["create container shop-green-1 on host", "stop container shop-blue-1 on host"],
        ),
        (
            [instance("green", digest="old")],
            ["create container shop-blue-1 on host", "stop container shop-green-1 on host"],
        ),
        # The one that served before, and was kept.
        (
            [instance("blue", status="exited", routed=False), instance("green", digest="old")],
            ["start container shop-blue-1 on host", "stop container shop-green-1 on host"],
        ),
        # A deploy was killed after the switch, before the old one was told to stop.
        ([instance("blue", digest="old"), instance("green")], ["stop container shop-blue-1 on host"]),
        # Both colours serve the same release: the newer ones stay.
        ([instance("blue", started="1"), instance("green", started="2")], ["stop container shop-blue-1 on host"]),
        # It crashes after it has served.
        (
            [instance("blue", status="restarting")],
            ["create container shop-blue-1 on host", "stop container shop-blue-1 on host"],
        ),
        # A candidate of a killed deploy does not serve.
        (
            [instance("blue", digest="old"), instance("green", routed=False)],
            ["create container shop-green-1 on host", "stop container shop-blue-1 on host"],
        ),
    ],
)
def test_switch(instances: list[Instance], expected: list[str]) -> None:
    assert shown(front(), *instances) == expected


def test_draining_instance_of_the_same_release_does_not_count() -> None:
    """The release is put back while its own instances still drain: they end, so others have to start."""
    draining = replace(instance("blue"), policy="no")
    state = State("host", PROJECT, NETWORKS, (front(), draining, instance("green", digest="failed")))
    found = plan(state, wanted())
    assert (found.right, found.colour, found.slots) == ((), "blue", (1,))


def test_more_replicas_start_beside_those_that_run() -> None:
    assert shown(front(), instance("blue"), replicas=3) == [
        "create container shop-blue-2 on host",
        "create container shop-blue-3 on host",
    ]


def test_fewer_replicas_stop_the_others() -> None:
    assert shown(front(), instance("blue"), instance("blue", 2)) == ["stop container shop-blue-2 on host"]


@pytest.mark.parametrize(
    ("live", "action"),
    [(front("other"), "update"), (front(status="exited"), "start"), (front(status="restarting"), "start")],
)
def test_proxy(live: Instance, action: str) -> None:
    assert shown(live, instance("blue")) == [f"{action} container shop-proxy on host"]


def test_diff_has_the_changed_lines() -> None:
    state = State("host", PROJECT, NETWORKS, (front(), instance("blue", digest="old")))
    created = changes(state, wanted())[0]
    assert '-  "digest": "old",' in created.diff
    assert '+  "digest": "new",' in created.diff


def test_draining_instance_is_no_reason_to_start_another() -> None:
    state = State("host", PROJECT, NETWORKS, (front(), instance("green"), instance("blue", digest="old")))
    assert plan(state, wanted()).slots == ()


def test_a_restart_replaces_instances_of_the_same_release() -> None:
    kept = replace(instance("green", status="exited", routed=False), id="kept")
    state = State("host", PROJECT, NETWORKS, (front(), instance("blue"), kept))
    again = replace(wanted(), replaced=frozenset({"id", "kept"}))
    assert [str(change) for change in changes(state, again)] == [
        "create container shop-green-1 on host",  # not started again: a new container
        "stop container shop-blue-1 on host",
    ]
    assert changes(state, wanted()) == []  # the control


def test_a_restart_under_way_plans_the_rest() -> None:
    new = replace(instance("green", started="2"), id="new")
    state = State("host", PROJECT, NETWORKS, (front(), instance("blue"), new))
    again = replace(wanted(), replaced=frozenset({"id"}))
    assert [str(change) for change in changes(state, again)] == ["stop container shop-blue-1 on host"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (3, ["create container shop-blue-3 on host"]),
        (2, []),
        (1, ["stop container shop-blue-2 on host"]),
        (0, ["stop container shop-blue-1 on host", "stop container shop-blue-2 on host"]),
    ],
)
def test_another_number_of_the_same_release(number: int, expected: list[str]) -> None:
    assert shown(front(), instance("blue", 1), instance("blue", 2), replicas=number) == expected
