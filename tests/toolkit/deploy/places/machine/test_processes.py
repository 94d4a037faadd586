"""Plans and states of further processes on a host."""

import json
from typing import Any

import pytest

from toolkit.deploy.places.machine import containers, processes
from toolkit.deploy.places.machine.engine import HASH, PROCESS, ROLE, SPEC, Instance
from toolkit.deploy.places.machine.host import State
from toolkit.deploy.places.machine.plan import Wanted

PROJECT = "shop"


def given(name: str = "worker", digest: str = "new", replicas: int = 1, schedule: str = "") -> dict[str, Any]:
    return {
        "kind": "process",
        "name": name,
        "digest": digest,
        "image": f"r@{digest}",
        "replicas": replicas,
        "schedule": schedule,
        "limit": 60,
        "command": ["work"],
        "environment": {},
        "memory": "128Mi",
        "grace": 30,
    }


def live(spec: dict[str, Any], status: str = "running", policy: str = "unless-stopped", id_: str = "a") -> Instance:
    labels = {ROLE: "process", PROCESS: spec["name"], HASH: containers.hash_of(spec), SPEC: json.dumps(spec)}
    return Instance(id_, f"shop-{spec['name']}-{id_}", labels, status, policy=policy, started_at=id_)


def planned(*found: Instance, want: tuple[dict[str, Any], ...] = (given(),), **more: Any) -> Any:
    state = State("host", PROJECT, frozenset(), found)
    return processes.plan(state, Wanted({"kind": "web", "replicas": 1}, "proxy", want, **more))


def names(items: tuple[Instance, ...]) -> list[str]:
    return [item.name for item in items]


@pytest.mark.parametrize(
    ("found", "want", "right", "missing", "old", "gone"),
    [
        ([], given(), [], 1, [], []),
        ([live(given())], given(), ["shop-worker-a"], 0, [], []),
        ([live(given(digest="old"))], given(), [], 1, ["shop-worker-a"], []),
        # Fewer are asked for: the newest stay.
        ([live(given(), id_="a"), live(given(), id_="b")], given(), ["shop-worker-b"], 0, ["shop-worker-a"], []),
        ([live(given())], given(replicas=3), ["shop-worker-a"], 2, [], []),
        ([live(given(), status="exited")], given(), [], 1, [], ["shop-worker-a"]),
        # A worker that drains gets its signal again: a killed deployer may have sent none.
        ([live(given(), policy="no")], given(), [], 1, ["shop-worker-a"], []),
        ([live(given(), status="restarting")], given(), ["shop-worker-a"], 0, [], []),
        ([live(given(replicas=2))], given(replicas=0), [], 0, ["shop-worker-a"], []),
        # A scheduler that was told to end may have a run under way: nothing waits for it.
        ([live(given(schedule="@daily"), policy="no")], given(schedule="@daily"), [], 1, [], []),
        ([live(given(digest="old", schedule="@daily"))], given(schedule="@daily"), [], 1, ["shop-worker-a"], []),
    ],
)
def test_plan(
    found: list[Instance], want: dict[str, Any], right: list[str], missing: int, old: list[str], gone: list[str]
) -> None:
    (item,) = planned(*found, want=(want,))
    assert (names(item.right), item.missing, names(item.old), names(item.gone)) == (right, missing, old, gone)


def test_one_that_left_the_inventory_is_stopped() -> None:
    (item,) = planned(live(given()), want=())
    assert (names(item.old), item.missing, item.wanted) == (["shop-worker-a"], 0, None)


def test_restart_replaces_those_of_the_same_release() -> None:
    (item,) = planned(live(given()), replaced=frozenset({"a"}))
    assert (names(item.old), item.missing) == (["shop-worker-a"], 1)


def test_crashing_one_is_not_complete() -> None:
    (item,) = planned(live(given(), status="restarting"))
    assert not item.only
    (control,) = planned(live(given()))
    assert control.only


def test_schedules_belong_to_the_first_host() -> None:
    wanted = Wanted({"kind": "web"}, "proxy", (given(), given("nightly", schedule="@daily")))
    assert [item["name"] for item in wanted.without_schedules.processes] == ["worker"]


def test_scheduler_gets_the_outcome_of_the_run_before() -> None:
    made = processes.arguments(PROJECT, "shop-nightly-1", given("nightly", schedule="@daily"), {"A": "b"}, {"exit": 4})
    assert made["entrypoint"][-4:] == ["@daily", "60", '{"exit": 4}', "work"]
    assert made["environment"] == {"A": "b"}
    assert made["host"]["restart_policy"] == {"Name": "unless-stopped"}
    worker = processes.arguments(PROJECT, "shop-worker-1", given(), {})
    assert worker["entrypoint"] == ["work"]


@pytest.mark.parametrize(
    ("last", "ok", "summary"),
    [
        (None, True, "`@daily` has not ended a run yet"),
        ({"at": "T", "exit": 0, "last": "done"}, True, "`@daily` succeeded at T"),
        ({"at": "T", "exit": 4, "last": "no rows"}, False, "`@daily` failed at T, exit code 4: no rows"),
        ({"at": "T", "exit": 4, "last": ""}, False, "`@daily` failed at T, exit code 4"),
    ],
)
def test_outcome(last: dict[str, Any] | None, ok: bool, summary: str) -> None:
    found = processes.outcome_of("nightly", "@daily", last)
    assert (found.ok, found.summary) == (ok, summary)
