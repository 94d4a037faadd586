"""`processes` of the inventory: workers and scheduled commands."""

from typing import Any

import pytest

from tests.toolkit.deploy.inventory.test_pod_keys import BASE
from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.merge import merge
from toolkit.deploy.inventory.pairs import from_pairs
from toolkit.deploy.outcomes import Failed

WORKER: dict[str, Any] = {"command": ["python", "-m", "app.worker"]}
NIGHTLY: dict[str, Any] = {"command": ["true"], "schedule": "*/5 0-3 * JAN,FEB mon"}


def made(**processes: Any) -> Any:
    return load.validate("staging", {**BASE, "processes": processes})


def test_two_kinds() -> None:
    found = made(worker=WORKER, nightly=NIGHTLY).processes
    assert (found["worker"].replicas, found["worker"].schedule) == (1, None)
    assert found["nightly"].limit_seconds == 3600


@pytest.mark.parametrize(
    ("name", "process", "said"),
    [
        ("migrate", WORKER, "migrate is used by the service itself"),
        ("Worker", WORKER, "processes.Worker"),
        ("w" * 21, WORKER, "longer than 20 characters"),
        ("worker", {}, "processes.worker.command: Field required"),
        ("worker", {"command": []}, "processes.worker.command"),
        ("worker", {**WORKER, "replica": 2}, "processes.worker.replica: unknown key; did you mean replicas?"),
        ("worker", {**WORKER, "limit_seconds": 5}, "`limit_seconds` is for a command with a `schedule`"),
        ("nightly", {**NIGHTLY, "replicas": 2}, "a command with a `schedule` has no `replicas`"),
        ("nightly", {**NIGHTLY, "schedule": "0 3 * *"}, "'0 3 * *' is not a schedule"),
    ],
)
def test_mistakes_are_named(name: str, process: dict[str, Any], said: str) -> None:
    with pytest.raises(Failed) as caught:
        made(**{name: process})
    assert said in str(caught.value)


def test_a_part_is_set_by_a_variable_of_the_deploy() -> None:
    layers = merge([("a", {"processes": {"worker": WORKER}}), ("-e", from_pairs(["processes.worker.replicas=3"]))])
    assert layers["processes"]["worker"] == {**WORKER, "replicas": 3}
