"""A roll-out is waited for until the release is on record."""

import pytest

from toolkit.deploy.outcomes import Change, Plan
from toolkit.deploy.places.values import Running
from toolkit.deploy.release.state import Known
from toolkit.deploy.release.steps.rollout import Progress


@pytest.mark.parametrize(
    ("release", "touched", "on_record", "waits"),
    [
        (Plan(), False, True, False),
        (Plan(), False, False, True),  # a killed deployer's: complete, but nobody saw it hold
        (Plan(), True, True, True),
        (Plan((Change("update", "it"),)), False, True, True),
    ],
)
def test_a_complete_roll_out_is_waited_for_until_it_is_on_record(
    release: Plan, touched: bool, on_record: bool, waits: bool
) -> None:
    known = Known(touched=touched, plans={"release": release})
    assert Progress(known, Running("Deployment/lamps", True, "2/2 ready"), on_record).plan().empty is not waits
