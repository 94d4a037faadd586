"""Records, the lock's holder, quotas: the pure parts."""

import json
import os
import socket
import sys
from dataclasses import replace
from typing import Any

import pytest

from toolkit.deploy.current_user import whoami
from toolkit.deploy.inventory.quantities import quantity
from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places import holder as holders
from toolkit.deploy.places.kubernetes import quotas
from toolkit.deploy.places.kubernetes.history import referenced
from toolkit.deploy.records import ReleaseRecord, prune
from toolkit.deploy.release import history, status


def made(number: int, outcome: str = "deployed", digest: str = "") -> ReleaseRecord:
    return ReleaseRecord(number, digest or f"sha256:{number}", "", outcome, "manifests")


HISTORY = [made(1), made(2, "rolled_back"), made(3), made(4, "failed")]


@pytest.mark.parametrize(
    ("running", "to", "number"),
    [
        ("sha256:3", None, 1),  # the last good one runs: the one before it
        ("sha256:4", None, 3),  # something bad runs: the last good one
        ("", None, 3),
        ("sha256:3", 1, 1),
        ("sha256:3", 3, 3),
    ],
)
def test_rollback_target(running: str, to: int | None, number: int) -> None:
    assert history.rollback_target(HISTORY, running, to).number == number


def test_a_rollback_skips_the_release_that_only_repaired_the_running_one() -> None:
    records = [made(1), made(2), made(3, digest="sha256:2")]
    assert history.rollback_target(records, "sha256:2", None).number == 1
    other_settings = replace(records[2], objects=({"kind": "ConfigMap"},))
    assert history.rollback_target([*records[:2], other_settings], "sha256:2", None).number == 2


@pytest.mark.parametrize(
    ("records", "to", "code"),
    [(HISTORY, 2, "NO_SUCH_RELEASE"), (HISTORY, 9, "NO_SUCH_RELEASE"), ([made(1)], None, "NOTHING_TO_ROLL_BACK_TO")],
)
def test_no_rollback_target(records: list[ReleaseRecord], to: int | None, code: str) -> None:
    with pytest.raises(Failed) as caught:
        history.rollback_target(records, "sha256:1", to)
    assert caught.value.failure.code == code


def test_history_marks_images_that_are_gone() -> None:
    records = [replace(made(number), image=f"r@sha256:{number}") for number in (1, 2)]
    _, first, second = status.history_lines(records, lost={"r@sha256:1"})
    assert first.endswith("IMAGE GONE")
    assert "GONE" not in second
    told = [json.loads(line)["image_gone"] for line in status.history_lines(records, {"r@sha256:1"}, as_json=True)]
    assert told == [True, False]


def test_the_last_good_record_is_never_pruned() -> None:
    bad = [made(number, "failed") for number in range(2, 9)]
    assert [old.number for old in prune([made(1), *bad], keep=3)] == [2, 3, 4, 5]


def test_operations_do_not_push_releases_out() -> None:
    restarts = [made(number, outcome="restarted") for number in range(3, 9)]
    assert [old.number for old in prune([made(1), made(2), *restarts], keep=2)] == [3, 4, 5, 6]


def test_what_records_refer_to_is_kept() -> None:
    container = {"envFrom": [{"configMapRef": {"name": "c"}}], "env": [{"valueFrom": {"secretKeyRef": {"name": "s"}}}]}
    item: Any = {"kind": "Deployment", "metadata": {"name": "d"}, "spec": {"containers": [container]}}
    kept = referenced([ReleaseRecord(1, "", "", "deployed", "manifests", objects=(item,))])
    assert kept == {"Deployment/d", "ConfigMap/c", "Secret/s"}


@pytest.mark.parametrize(
    ("holder", "gone"),
    [
        ("ada@here 12 100 nonce", False),
        ("ada@here 12 99 nonce", True),  # the pid belongs to a later process
        ("ada@here 13 100 nonce", True),  # no such process
        ("ada@elsewhere 13 100 nonce", False),  # of another host only the clock can tell
        ("something else", False),
    ],
)
def test_holders_that_are_gone(holder: str, gone: bool) -> None:
    assert holders.is_gone(holder, "here", lambda pid: "100" if pid == 12 else "-") is gone


def test_we_are_not_gone() -> None:
    assert not holders.is_gone(holders.identity(), socket.gethostname())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a process began, in proc(5)")
def test_a_birth_is_known() -> None:
    assert holders.birth(os.getpid()).isdigit()


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def nameless() -> str:
        raise error("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert whoami() == f"{os.getuid()}@{socket.gethostname()}"


@pytest.mark.parametrize(
    ("text", "value"), [("100m", 0.1), ("64Mi", 64 * 2**20), ("1.5", 1.5), ("2k", 2000.0), ("1Gi", 2**30)]
)
def test_quantities(text: str, value: float) -> None:
    assert quantity(text) == pytest.approx(value)


def environment(**changes: Any) -> KubernetesEnvironment:
    base = {"name": "production", "namespace": "n", "repository": "r", "secret": {"name": "s"}}
    return KubernetesEnvironment.model_validate({**base, **changes})


def test_a_quota_without_room_for_the_surge() -> None:
    quota = {
        "metadata": {"name": "q"},
        "status": {
            "hard": {"requests.memory": "300Mi", "pods": "9"},
            "used": {"requests.memory": "256Mi", "pods": "2"},
        },
    }
    assert list(quotas.shortages(environment(), [quota])) == ["quota q: requests.memory 256Mi of 300Mi used"]
    quota["status"]["hard"]["requests.memory"] = "400Mi"
    assert list(quotas.shortages(environment(), [quota])) == []
    assert list(quotas.shortages(environment(), [quota], pods=2)) != []
    sidecar = {"name": "proxy", "resources": {"requests": {"memory": "64Mi"}}}
    assert list(quotas.shortages(environment(sidecars=[sidecar]), [quota])) != []
