"""The division of the requests, and what a killed deploy has left of it."""

import pytest

from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.targets import CANDIDATE, RUNNING, Target, Traffic

OLD, NEW = "shop-old", "shop-new"


@pytest.mark.parametrize(
    "traffic",
    [
        targets.settled(OLD),
        targets.first(NEW),
        targets.beside(OLD, NEW),
        targets.shared(OLD, NEW, 10),
        targets.shared(OLD, NEW, 100),
    ],
)
def test_every_division_names_all_requests(traffic: Traffic) -> None:
    assert sum(target.percent for target in traffic) == 100


def test_a_candidate_has_an_address_and_no_requests() -> None:
    assert targets.beside(OLD, NEW) == (Target(OLD, 100), Target(NEW, 0, CANDIDATE))


@pytest.mark.parametrize(
    ("traffic", "settled", "interrupted"),
    [
        (targets.settled(NEW), True, False),
        (targets.first(NEW), True, False),
        (targets.beside(OLD, NEW), False, True),
        (targets.shared(OLD, NEW, 10), False, True),
        (targets.shared(OLD, NEW, 100), False, True),
        ((Target(OLD, 50), Target(NEW, 50)), False, False),  # divided by hand
        ((), False, False),
    ],
)
def test_states(traffic: Traffic, settled: bool, interrupted: bool) -> None:
    assert targets.is_settled(traffic, NEW) is settled
    assert targets.is_interrupted(traffic) is interrupted


@pytest.mark.parametrize(
    ("traffic", "good", "expected"),
    [
        (targets.beside(OLD, NEW), OLD, OLD),
        (targets.shared(OLD, NEW, 100), OLD, OLD),  # the candidate has all requests and has not passed
        (targets.shared(OLD, NEW, 50), "", OLD),
        (targets.shared(OLD, NEW, 50), "shop-gone", OLD),
        ((Target(NEW, 100, CANDIDATE),), "", NEW),
    ],
)
def test_the_last_good_revision_gets_the_requests_back(traffic: Traffic, good: str, expected: str) -> None:
    assert targets.restored(traffic, good) == targets.settled(expected)


def test_serving_is_the_largest_share() -> None:
    assert targets.serving(targets.shared(OLD, NEW, 10)) == OLD
    assert targets.serving(targets.shared(OLD, NEW, 90)) == NEW
    assert targets.serving(()) == ""
    assert targets.shown(targets.shared(OLD, NEW, 10)) == f"{OLD} 90 %, tag {RUNNING}, {NEW} 10 %, tag {CANDIDATE}"
