"""The comparison of a canary with the running version."""

import pytest

from toolkit.deploy.places.values import Figures, Limits
from toolkit.deploy.release.canary import between, comparable, fault, p95, summary

LIMITS = Limits(error_percent=1, slower=2)
EDGES = (0.01, 0.1, 1.0, float("inf"))


def served(*durations: float, errors: int = 0) -> Figures:
    buckets = {edge: sum(each <= edge for each in durations) for edge in EDGES}
    return Figures(len(durations), errors, buckets)


FAST, SLOW = served(*[0.005] * 200), served(*[0.5] * 200)


@pytest.mark.parametrize(
    ("running", "candidate", "reason"),
    [
        (FAST, FAST, ""),
        (FAST, served(*[0.005] * 100, errors=5), "5.0 % of its responses are 5xx, 0.0 % before"),
        # The database fails for both.
        (served(*[0.005] * 100, errors=5), served(*[0.005] * 100, errors=5), ""),
        (served(*[0.005] * 100, errors=5), served(*[0.005] * 100, errors=7), "7.0 % of its responses are 5xx, 5.0 %"),
        (FAST, served(*[0.005] * 200, errors=2), ""),  # exactly the limit
        # Too few to say anything.
        (FAST, served(*[0.005] * 19, errors=19), ""),
        (FAST, served(*[0.005] * 25, errors=1), ""),
        (FAST, served(*[0.5] * 49), ""),
        (Figures(), served(*[0.5] * 100), ""),
        (FAST, SLOW, "its p95 is 955 ms, 10 ms before"),
        (FAST, served(*[0.005] * 96, *[0.5] * 4), ""),  # not one in twenty
        (served(*[0.05] * 200), served(*[0.05] * 100), ""),
        (Figures(), Figures(), ""),
    ],
)
def test_a_fault_is_a_difference_that_clients_notice(running: Figures, candidate: Figures, reason: str) -> None:
    found = fault(running, candidate, LIMITS)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


@pytest.mark.parametrize(
    ("figures", "seconds"),
    [
        (served(*[0.005] * 100), 0.0095),
        (served(*[0.05] * 100), 0.0955),
        (served(*[0.005] * 50, *[0.05] * 50), 0.091),
        (served(*[5.0] * 100), 1.0),  # above the last finite edge
        (served(*[0.005] * 49), None),
    ],
)
def test_p95_is_interpolated_within_its_bucket(figures: Figures, seconds: float | None) -> None:
    found = p95(figures)
    assert found == (None if seconds is None else pytest.approx(seconds))


def test_counters_of_each_instance_are_subtracted() -> None:
    before = {"a": Figures(100, 3, {0.1: 90, 1.0: 100}), "gone": Figures(7, 7, {0.1: 7, 1.0: 7})}
    after = {
        "a": Figures(110, 4, {0.1: 95, 1.0: 110}),
        "new": Figures(5, 1, {0.1: 5, 1.0: 5}),
    }
    assert between(before, after) == Figures(15, 2, {0.1: 10, 1.0: 15})


def test_an_instance_that_has_started_again_counts_from_zero() -> None:
    assert between({"a": Figures(100, 3, {1.0: 100})}, {"a": Figures(4, 0, {1.0: 4})}) == Figures(4, 0, {1.0: 4})


def test_a_summary_has_no_p95_of_few_requests() -> None:
    assert summary(Figures(3, 1)) == "3 requests, 33.3 % 5xx"
    assert summary(SLOW) == "200 requests, 0.0 % 5xx, p95 955 ms"
    assert not comparable(Figures(49))
    assert comparable(Figures(50))
