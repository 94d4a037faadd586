"""Container Instances: what is rendered, what a release changes, and verdicts."""

import json
from typing import Any

import pytest

from tests.toolkit.deploy.places.instances.made import (
    DIGEST,
    EVENTS,
    IDENTITY,
    SECRETS,
    environment,
    kept,
    live,
)
from toolkit.deploy.inventory.containerapps_keys import unknown
from toolkit.deploy.inventory.instances_keys import GROUP
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.instances import plan, render, state, verdict
from toolkit.deploy.places.instances.plan import Observed
from toolkit.deploy.records import Kept

OTHER = "sha256:" + "2" * 64


def changes(now: state.Group | None, release: Kept, *, allowed: bool = True) -> list[str]:
    return [str(change) for change in Observed("shop", now, release, "staging", allowed).plan().changes]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"identity": IDENTITY, "dns_label": "shop-of-us"},
        {"subnet": f"{IDENTITY.partition('/providers')[0]}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"},
        {"properties": {"volumes": [{"name": "a", "emptyDir": {}}], "dnsConfig": {"nameServers": ["10.0.0.1"]}}},
    ],
)
def test_every_key_is_one_of_the_api(given: dict[str, Any]) -> None:
    env, release = environment(**given), kept(**given)
    for body in (render.body(release, env, SECRETS), render.one_off(release, env, ["x"], SECRETS)):
        assert list(unknown(body, GROUP)) == []
        body["properties"]["containers"][0]["properties"]["commands"] = []
        assert list(unknown(body, GROUP)) == [
            "properties.containers[0].properties.commands: unknown key; did you mean command?"
        ]


def test_a_value_of_a_secret_is_in_the_request_alone() -> None:
    release = kept()
    assert "s3cret" not in json.dumps(release)
    body = render.body(release, environment(), SECRETS)
    variables = body["properties"]["containers"][0]["properties"]["environmentVariables"]
    assert [item for item in variables if "secureValue" in item] == [
        {"name": "DATABASE_URL", "secureValue": "postgresql://s3cret"}
    ]
    (change,) = Observed("shop", live(kept(OTHER)), release, "staging", True).plan().changes
    assert "s3cret" not in "\n".join(change.diff)
    assert DIGEST in "\n".join(change.diff)


def test_values_that_others_have_set_are_masked() -> None:
    now = live(kept(OTHER))
    container = now.content["properties"]["containers"][0]["properties"]
    container["environmentVariables"].append({"name": "PASSWORD", "value": "s3cret"})
    (change,) = Observed("shop", now, kept(), "staging", True).plan().changes
    assert "s3cret" not in "\n".join(change.diff)
    assert "PASSWORD" in "\n".join(change.diff)


@pytest.mark.parametrize(
    ("now", "release", "expected"),
    [
        (None, kept(), ["create container group shop"]),
        (live(kept()), kept(), []),
        (live(kept(OTHER)), kept(), ["replace container group shop: no answers for about 42 s"]),
        (live(kept(OTHER), {}), kept(), ["replace container group shop: no answers for a minute or longer"]),
        (
            live(kept()),
            kept(secrets={"DATABASE_URL": "new"}),
            ["replace container group shop: no answers for about 42 s"],
        ),
        (
            live(kept()),
            kept(settings={"LOG_LEVEL": "DEBUG"}),
            ["replace container group shop: no answers for about 42 s"],
        ),
    ],
)
def test_changes(now: state.Group | None, release: Kept, expected: list[str]) -> None:
    assert changes(now, release) == expected


def test_an_interruption_that_is_not_allowed_is_refused() -> None:
    assert changes(None, kept(), allowed=False) == ["create container group shop"]
    assert changes(live(kept()), kept(), allowed=False) == []
    with pytest.raises(Failed) as refused:
        changes(live(kept(OTHER)), kept(), allowed=False)
    assert refused.value.failure.code == "DOWNTIME"
    assert "about 42 s" in refused.value.failure.message
    assert "-e allow_downtime=true" in refused.value.failure.hint


@pytest.mark.parametrize(
    ("given", "allowed"),
    [({}, True), ({"name": "production"}, False), ({"name": "production", "allow_downtime": True}, True)],
)
def test_only_production_is_not_interrupted(given: dict[str, Any], allowed: bool) -> None:
    assert environment(**given).downtime_allowed is allowed


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, False),
        ({"settings": {"A": "b"}}, False),
        ({"cpu": 2}, True),
        ({"memory_gb": 3}, True),
        ({"dns_label": "x"}, True),
    ],
)
def test_what_azure_does_not_change_in_place_is_deleted_first(given: dict[str, Any], expected: bool) -> None:
    assert plan.must_be_deleted(live(kept()), kept(**given)) is expected


def view(**given: Any) -> dict[str, Any]:
    return {"restartCount": 0, "currentState": {"state": "Running"}, "events": [], **given}


def ended(code: int, detail: str = "Error") -> dict[str, Any]:
    return view(
        restartCount=2,
        currentState={"state": "Waiting", "detailStatus": "CrashLoopBackOff"},
        previousState={"state": "Terminated", "exitCode": code, "detailStatus": detail},
    )


WAITING = view(currentState={"state": "Waiting"}, events=[{"name": "Failed", "message": "Failed to pull image x"}])


@pytest.mark.parametrize(
    ("found", "seconds", "expected"),
    [
        (view(), 0, None),
        (view(), 99, "NOT_READY"),
        (ended(17), 0, "CRASH_LOOP"),
        (ended(78), 0, "SETTINGS_REFUSED"),
        (ended(137), 0, "OUT_OF_MEMORY"),
        (ended(1, "OOMKilled"), 0, "OUT_OF_MEMORY"),
        (ended(127), 0, "START_ERROR"),
        (view(currentState={"state": "Terminated", "exitCode": 3}), 0, "CRASH_LOOP"),
        (WAITING, 0, None),
        (WAITING, 99, "IMG_NOT_FOUND"),
    ],
)
def test_verdicts(found: dict[str, Any], seconds: float, expected: str | None) -> None:
    judged = verdict.judge(live(kept(), found), seconds, 60)
    assert (judged.code if judged else None) == expected


def test_verdict_on_a_group_that_does_not_exist() -> None:
    assert verdict.judge(None, 0, 60) is None
    missing = verdict.judge(None, 61, 60)
    assert missing
    assert missing.code == "NOT_READY"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([{"name": "Started", "lastTimestamp": "2026-01-01T10:00:42+00:00"}], None),
        ([{"name": name, "lastTimestamp": stamp} for name, stamp in EVENTS], 42),
        ([{"name": name, "lastTimestamp": "soon"} for name, _ in EVENTS], None),
    ],
)
def test_time_of_the_last_start(events: list[dict[str, Any]], expected: float | None) -> None:
    assert state.start_seconds(events) == expected
