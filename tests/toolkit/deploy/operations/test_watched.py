"""Exit codes of a watched change: released, taken back, not taken back, lost, interrupted."""

from collections.abc import Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.interrupts import Interrupted
from toolkit.deploy.operations.watched import watched
from toolkit.deploy.outcomes import Change, Exit, Plan, fail
from toolkit.deploy.report import Report

CRASH = fail("CRASH_LOOP", "it ends")


class Place:
    """A place whose watches end one after the other, and that keeps its records."""

    name = "here"

    def __init__(self, *ends: BaseException | str) -> None:
        self.ends, self.written = list(ends), list[Any]()

    def lock(self, _: str) -> Any:
        return nullcontext()

    def explained(self) -> Any:
        return nullcontext()

    def running_digest(self) -> str:
        return "sha256:1"

    def ask(self, path: str) -> Mapping[str, str]:
        return {"image_digest": "sha256:1", "status": "ready"}

    def watch(self, seconds: float, hold: float) -> str:
        end = self.ends.pop(0)
        if isinstance(end, str):
            return end
        raise end

    def records(self) -> list[Any]:
        return []

    def write_record(self, record: Any) -> None:
        self.written.append(record)


@pytest.mark.parametrize(
    ("ends", "code", "undone"),
    [
        (["2/2 ready"], Exit.OK, 0),
        ([CRASH, "2/2 ready"], Exit.ROLLED_BACK, 1),
        ([CRASH, CRASH], Exit.NOT_ROLLED_BACK, 1),
        ([fail("LEASE_LOST", "taken over", exit=Exit.LOCKED)], Exit.LOCKED, 0),
        ([Interrupted(2), "2/2 ready"], 130, 1),
        ([Interrupted(15), CRASH], Exit.NOT_ROLLED_BACK, 1),
    ],
)
def test_exit_codes(ends: list[BaseException | str], code: int, undone: int) -> None:
    place, back = Place(*ends), list[int]()
    environment = SimpleNamespace(name="staging", rollout_seconds=1, hold=0, driver="manifests")
    target: Any = SimpleNamespace(
        place=place, report=Report([]), service="shop", environment=environment, confirm=lambda _: None
    )
    plan = Plan((Change("restart", "shop"),))
    assert watched(target, "restart", plan, lambda: lambda: back.append(1), "restarted", "why") == code
    assert len(back) == undone
    assert [record.outcome for record in place.written] == (["restarted"] if code == 0 else [])
