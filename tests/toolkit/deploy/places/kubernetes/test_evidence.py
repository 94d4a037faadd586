"""The last words of a container that crashes again and again."""

from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.places.kubernetes import evidence

ENDED, BEGUN = ["starting up", "cannot open the file"], ["starting up"]


def target(present: list[str], previous: list[str]) -> Any:
    def logs(_pod: str, _container: str, *, previous: bool, lines: int) -> list[str]:
        return found[previous][-lines:]

    found = {False: present, True: previous}
    return SimpleNamespace(cluster=SimpleNamespace(logs=logs))


def pod(restarts: int) -> Any:
    statuses = [{"name": "app", "restartCount": restarts}]
    return {"metadata": {"name": "app-1"}, "status": {"containerStatuses": statuses}}


@pytest.mark.parametrize(
    ("restarts", "present", "previous", "told"),
    [
        (0, ENDED, [], ENDED),
        (1, BEGUN, ENDED, [*ENDED, *BEGUN]),
        (1, [], ENDED, ENDED),
        (1, ENDED, ENDED, ENDED),  # it waits: the API gives the same container for both
        (0, [], [], []),
    ],
)
def test_the_cause_is_told_also_when_the_next_one_has_begun(
    restarts: int, present: list[str], previous: list[str], told: list[str]
) -> None:
    found = evidence.log_of(target(present, previous), [pod(restarts)], "app-1")
    assert found == tuple(f"| {line}" for line in told)


def test_the_newest_lines_are_kept() -> None:
    many = [f"line {number}" for number in range(100)]
    assert evidence.log_of(target(many, []), [pod(0)])[-1] == "| line 99"
    assert len(evidence.log_of(target(many, many[:50]), [pod(3)])) == evidence.LINES
