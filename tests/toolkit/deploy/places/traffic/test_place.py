"""The common part of a place on a platform in memory."""

from typing import Any

import pytest

from tests.toolkit.deploy.places.traffic.made import (
    Environment,
    Live,
    Operations,
    Place,
    Platform,
    Revision,
    crashed,
    place,
    record,
    spec,
    web,
)
from toolkit.deploy.outcomes import Failed, Plan
from toolkit.deploy.places.traffic import doctor, stability, targets
from toolkit.deploy.places.traffic.targets import Traffic

READY = {"/health": {"image_digest": "b"}, "/ready": {"status": "ready"}}


def serving(name: str, *, ready: bool = True) -> Platform:
    found = Revision(name, name.removeprefix("shop-"), ready)
    return Platform(live=Live(targets.settled(name)), revisions={name: found})


@pytest.mark.parametrize(
    ("traffic", "expected"),
    [
        (targets.settled("shop-a"), []),
        (targets.beside("shop-a", "shop-b"), ["divide shop-a 100 %"]),
        (targets.shared("shop-a", "shop-b", 50), ["divide shop-a 100 %"]),
    ],
)
def test_recovery_gives_all_requests_to_the_last_good_release(traffic: Traffic, expected: list[str]) -> None:
    platform = Platform(live=Live(traffic))
    said = place(platform, record(1, "a"), record(2, "b", "failed")).recover()
    assert platform.done == expected
    assert bool(said) == bool(expected)


def test_a_record_of_another_deployer_is_read_again_under_the_lock() -> None:
    made = place(Platform(), record(1, "a"))
    assert len(made.records()) == 1
    made.connection.ledger.found.append(record(2, "b"))
    assert len(made.records()) == 1
    made.recover()
    assert len(made.records()) == 2


def test_an_apply_releases_and_then_makes_the_processes() -> None:
    platform = Platform()
    made = place(platform)
    made.apply(spec(made), Plan())
    assert platform.done == ["release shop-b has_served=False fresh=False", "processes ['nightly']"]
    assert made.running() == made.running()
    assert made.running().complete


def test_a_rollback_needs_no_new_check_of_its_revision() -> None:
    platform = serving("shop-b")
    place(platform).put_back(record(1, "a"))
    assert platform.done == ["release shop-a has_served=True fresh=False", "processes []"]


@pytest.mark.parametrize(
    ("platform", "weights", "expected"),
    [
        (serving("shop-a"), [10, 100], True),
        (serving("shop-a"), [], False),
        (serving("shop-a", ready=False), [10, 100], False),
        (serving("shop-b"), [10, 100], False),
        (serving("shop-b-2"), [10, 100], False),
        (Platform(), [10, 100], False),
    ],
)
def test_a_canary_needs_another_release_that_serves(platform: Platform, weights: list[int], expected: bool) -> None:
    made = place(platform, canary=weights)
    assert (made.canary(spec(made)) is not None) == expected


@pytest.mark.parametrize(("fresh", "expected"), [(True, "has_served=False fresh=True"), (False, "has_served=True")])
def test_watch_carries_out_what_was_begun_once(fresh: bool, expected: str) -> None:
    platform = Platform(answers={"/health": {"status": "ok"}})
    made = place(platform)
    made.begin(web("b"), fresh=fresh)
    assert made.running_digest() == "b"
    made.watch(5, 0)
    made.watch(5, 0)
    assert len(platform.done) == 1
    assert expected in platform.done[0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"error": crashed()}, "CRASH_LOOP"),
        ({"live": Live(targets.beside("shop-b", "shop-c"))}, "NOT_ROUTED"),
        ({"answers": {}}, "NOT_ROUTED"),
        ({"live": None}, "NOT_ROUTED"),
    ],
)
def test_a_release_that_does_not_hold(change: dict[str, Any], code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stability, "POLL_SECONDS", 0.01)
    platform = serving("shop-b")
    platform.answers = {"/health": {"status": "ok"}}
    assert "gets all requests" in stability.hold(place(platform), "shop-b", 0.02, 0)
    for name, value in change.items():
        setattr(platform, name, value)
    with pytest.raises(Failed) as refused:
        stability.hold(place(platform), "shop-b", 0.02, 0)
    assert refused.value.failure.code == code


@pytest.mark.parametrize(
    ("health", "ready", "expected"),
    [
        ({"image_digest": "b"}, {"status": "ready"}, True),
        ({"image_digest": "a"}, {"status": "ready"}, False),
        ({"image_digest": "b"}, {"status": "starting"}, False),
        ({"image_digest": "b"}, None, False),
        (None, {"status": "ready"}, False),
        ("b", "ready", False),
    ],
)
def test_a_candidate_answers_as_this_release(health: object, ready: object, expected: bool) -> None:
    assert stability.answers_as(web("b"), health, ready) is expected


def test_a_candidate_that_does_not_answer_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stability, "ANSWER_SECONDS", 0)
    monkeypatch.setattr(stability, "POLL_SECONDS", 0.01)
    platform = Platform(answers=dict(READY))
    stability.await_answer(place(platform), web("b"))
    platform.answers["/health"] = {"image_digest": "a"}
    with pytest.raises(Failed) as refused:
        stability.await_answer(place(platform), web("b"))
    assert refused.value.failure.code == "NOT_READY"
    assert refused.value.failure.hint == "look at the sky"


@pytest.mark.parametrize(("platforms", "fits"), [((), True), (("linux/amd64",), True), (("linux/arm64",), False)])
def test_an_image_for_another_platform_is_refused(platforms: tuple[str, ...], fits: bool) -> None:
    found = place(Platform()).unfit(platforms)
    assert (found is None) == fits
    assert found is None or "Clouds runs linux/amd64" in found.message


def test_logs_name_the_revisions_that_get_requests() -> None:
    platform = serving("shop-a")
    assert place(platform).logs(5) == ["shop-a  started"]
    platform.live = None
    assert place(platform).logs(5) == ["No instance of shop has logged anything."]


@pytest.mark.parametrize(
    ("live", "ok", "text"),
    [
        (None, True, "not deployed yet"),
        (Live(targets.settled("shop-a")), True, "shop-a 100 %"),
        (Live(targets.beside("shop-a", "shop-b")), False, "a deploy has not ended"),
    ],
)
def test_doctor_reports_a_deploy_that_has_not_ended(live: Live | None, ok: bool, text: str) -> None:
    found = doctor.traffic(live, "staging")
    assert found.ok is ok
    assert text in found.summary
    assert ("deploy staging" in found.hint) is not ok


def test_doctor_names_versions_holder_and_the_error_of_a_connection() -> None:
    made = place(Platform())
    checks = made.checks(lambda: spec(made))
    assert {name: check().summary for name, check in checks.items()} == {
        "permissions": "all",
        "secret": "DATABASE_URL version 3",
        "traffic": "not deployed yet",
        "lock": "free",
    }
    made.connection.ledger.text = '{"holder": "ada@host", "seconds": 1, "since": "", "renewed": "now"}'
    assert checks["lock"]().summary == "held by ada@host, renewed now"
    assert made.identify().summary == "a cloud"
    assert place(Platform(), error=crashed()).identify().summary == "it crashes"


def test_operations_act_on_the_last_good_release() -> None:
    platform = serving("shop-a")
    made = place(platform, record(1, "a"), record(2, "b", "failed"))
    operations = Operations(made)
    undo = operations.scale(3)
    platform.answers = {"/health": {"status": "ok"}}
    made.watch(5, 0)
    undo()
    assert platform.done == ["release shop-a has_served=True fresh=False"]
    operations.remove(operations.removal(database=False))
    assert platform.done[1:] == ["delete service shop"]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda operations: operations.scale(3), "NOT_DEPLOYED"),
        (lambda operations: operations.scale(3, "nightly"), "NO_SUCH_PROCESS"),
        (lambda operations: operations.removal(database=True), "DATABASE_NOT_OURS"),
        (lambda operations: operations.shell(), "NOT_SUPPORTED"),
    ],
)
def test_refused_operations(act: Any, code: str) -> None:
    with pytest.raises(Failed) as refused:
        act(Operations(place(Platform())))
    assert refused.value.failure.code == code


def test_the_environment_is_the_places_own_type() -> None:
    made: Place = place(Platform())
    env: Environment = made.environment
    assert made.name == f"Clouds {env.scope}"
