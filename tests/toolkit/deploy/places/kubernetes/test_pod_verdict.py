"""The verdict table: evidence on the pods of a new revision, and what it means after how long."""

from typing import Any

import pytest

from toolkit.deploy.inventory.schema import Graces
from toolkit.deploy.places.kubernetes.pod_failures import controller_sign, creation_sign, refused_sign
from toolkit.deploy.places.kubernetes.pod_verdict import Memory, Verdict, classify

GRACES = Graces()
NOT_FOUND = "rpc error: failed to resolve reference: manifest Unknown"


def pod(
    name: str = "new-1", *, ready: bool = False, waiting: str = "", text: str = "", **status: Any
) -> dict[str, Any]:
    state: dict[str, Any] = {"waiting": {"reason": waiting, "message": text}} if waiting else {"running": {}}
    container = {"name": "app", "restartCount": 0, "state": state, "lastState": {}, **status}
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {
        "metadata": {"name": name, "uid": name},
        "status": {"conditions": conditions, "containerStatuses": [container]},
    }


def ended(code: int, reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason}}


def event(reason: str, message: str = "", count: int | None = 1, uid: str = "new-1", **more: Any) -> dict[str, Any]:
    return {"reason": reason, "message": message, "count": count, "involvedObject": {"uid": uid}, **more}


def unschedulable() -> dict[str, Any]:
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}]
    return {"metadata": {"name": "new-1", "uid": "new-1"}, "status": {"conditions": conditions}}


def judged(pods: list[Any], events: list[Any] | None = None, *, after: float = 0.0, graces: Graces = GRACES) -> Verdict:
    """The verdict when the same has been seen for `after` seconds."""
    first = classify(pods, events or [], 100.0, Memory(), graces)
    return classify(pods, events or [], 100.0 + after, first.memory, graces)


TWICE = [event("Pulling", count=2)]


@pytest.mark.parametrize(
    ("pods", "events", "code", "fatal_after"),
    [
        ([pod(waiting="InvalidImageName")], [], "IMG_INVALID", 0),
        ([pod(waiting="ErrImageNeverPull")], [], "IMG_INVALID", 0),
        ([pod(waiting="ErrImagePull", text=NOT_FOUND)], TWICE, "IMG_NOT_FOUND", 0),
        ([pod(waiting="ErrImagePull", text=NOT_FOUND)], [event("Pulling")], "IMG_NOT_FOUND", 25),
        ([pod(waiting="ErrImagePull", text="403 FORBIDDEN")], TWICE, "IMG_DENIED", 0),
        ([pod(waiting="ImagePullBackOff", text="error: unauthorized")], TWICE, "IMG_DENIED", 0),
        ([pod(waiting="ErrImagePull", text="i/o timeout")], TWICE, "IMG_PULL", 90),
        ([pod(waiting="ErrImagePull", text="429 Too Many Requests")], TWICE, "IMG_PULL", 90),
        ([pod(waiting="CreateContainerConfigError", text="secret not found")], [], "CONFIG_ERROR", 30),
        ([pod(waiting="ContainerCreating")], [event("FailedMount", 'secret "x" not found')], "MOUNT_NOT_FOUND", 30),
        ([pod(waiting="RunContainerError", text="exec: no such file")], [], "START_ERROR", 30),
        ([pod(waiting="CreateContainerError")], [], "START_ERROR", 30),
        ([pod(waiting="CrashLoopBackOff", lastState=ended(17), restartCount=1)], [], "CRASH_LOOP", 0),
        ([pod(restartCount=2, lastState=ended(1))], [], "CRASH_LOOP", 0),
        ([pod(restartCount=2, lastState=ended(137, "OOMKilled"))], [], "OUT_OF_MEMORY", 0),
        ([unschedulable()], [event("FailedScheduling", count=None, series={"count": 4})], "UNSCHEDULABLE", 120),
    ],
)
def test_fatal_when_it_has_lasted(pods: list[Any], events: list[Any], code: str, fatal_after: float) -> None:
    failure = judged(pods, events, after=fatal_after).failure()
    assert failure is not None
    assert failure.code == code
    if fatal_after:
        assert judged(pods, events, after=fatal_after - 0.5).fatal is None


@pytest.mark.parametrize(
    ("pods", "events"),
    [
        ([pod()], []),
        ([pod(restartCount=1, lastState=ended(1))], []),
        ([pod(restartCount=1, lastState=ended(137, "OOMKilled"))], []),
        ([pod(waiting="ContainerCreating")], [event("FailedMount", "failed to sync configmap cache: not found")]),
        ([pod(waiting="ContainerCreating")], [event("FailedMount", "not found", uid="another pod")]),
        ([unschedulable()], [event("TriggeredScaleUp")]),
        ([{"metadata": {"name": "e", "uid": "e"}, "status": {"reason": "Evicted", "phase": "Failed"}}], []),
        ([{**pod(waiting="CrashLoopBackOff"), "metadata": {"name": "x", "uid": "x", "deletionTimestamp": "now"}}], []),
    ],
)
def test_never_fatal(pods: list[Any], events: list[Any]) -> None:
    assert judged(pods, events, after=600).fatal is None


def of_container(name: str, reason: str, message: str) -> dict[str, Any]:
    return event(reason, message, involvedObject={"uid": "new-1", "fieldPath": f"spec.containers{{{name}}}"})


UNHEALTHY = [
    of_container("app", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
    of_container("app", "Unhealthy", "Liveness probe failed: context deadline exceeded"),
]
KILLED = of_container("app", "Killing", "Container app failed liveness probe, will be restarted")


@pytest.mark.parametrize(
    ("code", "events", "named"),
    [
        (0, [*UNHEALTHY, KILLED], "container: Liveness probe failed: context deadline exceeded (restarts"),
        (143, [*UNHEALTHY, KILLED], "restarting the container: Liveness probe failed"),
        (137, [KILLED], "restarting the container: its liveness probe fails (restarts"),
        (0, UNHEALTHY, "keeps crashing"),
        (1, [*UNHEALTHY, KILLED], "keeps crashing"),
        (0, [of_container("proxy", "Killing", KILLED["message"])], "keeps crashing"),
        (0, [of_container("app", "Killing", "Stopping container app")], "keeps crashing"),
    ],
)
def test_a_probe_that_has_the_container_killed_is_named(code: int, events: list[Any], named: str) -> None:
    failure = judged([pod(restartCount=2, lastState=ended(code))], events).failure()
    assert failure is not None
    assert failure.code == "CRASH_LOOP"
    assert named in failure.message


def test_one_failing_pod_with_a_ready_one_has_a_minute() -> None:
    pods = [pod("new-1", waiting="CrashLoopBackOff", lastState=ended(1)), pod("new-2", ready=True)]
    assert judged(pods, after=59).fatal is None
    assert judged(pods, after=60).fatal is not None


def test_the_text_of_a_failed_pull_outlives_its_back_off() -> None:
    first = classify([pod(waiting="ErrImagePull", text=NOT_FOUND)], TWICE, 0.0, Memory(), GRACES)
    later = classify([pod(waiting="ImagePullBackOff", text="Back-off pulling image")], TWICE, 1.0, first.memory, GRACES)
    assert later.fatal is not None
    assert later.fatal.code == "IMG_NOT_FOUND"


def test_a_failure_that_disappeared_starts_again() -> None:
    bad, good = [pod(waiting="CreateContainerConfigError")], [pod()]
    memory = classify(bad, [], 0.0, Memory(), GRACES).memory
    memory = classify(good, [], 20.0, memory, GRACES).memory
    assert classify(bad, [], 40.0, memory, GRACES).fatal is None


def test_the_page_names_container_and_exit_code() -> None:
    failure = judged([pod(waiting="CrashLoopBackOff", lastState=ended(17))]).failure()
    assert failure is not None
    assert failure.evidence == ("pod new-1 container app", "exit code 17")
    assert failure.hint


def test_a_failing_probe_is_reported_while_waiting() -> None:
    assert judged([pod()], [event("Unhealthy", "statuscode: 503")]).waiting == "statuscode: 503"


@pytest.mark.parametrize(
    ("text", "code", "grace"),
    [
        ("exceeded quota: tight", "QUOTA", 10),
        ("failed quota: tight: must specify limits.cpu for: app", "QUOTA", 3),
        ('violates PodSecurity "restricted:latest"', "POD_SECURITY", 3),
        ("something else", "CREATE_REFUSED", 10),
    ],
)
def test_pods_that_cannot_be_made(text: str, code: str, grace: float) -> None:
    owner = {"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": text}]}}
    sign = controller_sign({}, owner, GRACES)
    assert sign is not None
    assert (sign.code, sign.grace) == (code, grace)
    assert controller_sign({}, {"status": {}}, GRACES) is None


def test_what_keeps_a_job_from_creating_its_pod() -> None:
    said = event(
        "FailedCreate", "Error creating: pods is forbidden: failed quota: tight: must specify limits.cpu", uid="j"
    )
    sign = creation_sign([event("FailedCreate", "another Job", uid="k"), said], "j", GRACES)
    assert sign is not None
    memory = classify([], [said], 0.0, Memory(), GRACES, [sign]).memory
    assert classify([], [said], 1.0, memory, GRACES, [sign]).fatal is None
    failure = classify([], [said], 3.0, memory, GRACES, [sign]).failure()
    assert failure is not None
    assert failure.code == "QUOTA"
    assert "must specify limits.cpu" in failure.message
    assert creation_sign([said], "k", GRACES) is None


def test_a_ready_pod_does_not_excuse_a_controller_that_is_refused() -> None:
    sign = refused_sign("exceeded quota: tight", GRACES)
    memory = classify([pod(ready=True)], [], 0.0, Memory(), GRACES, [sign]).memory
    assert classify([pod(ready=True)], [], GRACES.create, memory, GRACES, [sign]).fatal == sign
