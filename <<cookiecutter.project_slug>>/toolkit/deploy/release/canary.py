"""The comparison of a new version with the running one, while both serve. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from toolkit.deploy.places.values import Figures, Limits

# Fewer requests than these say nothing about a share, or about the slowest twentieth.
FEWEST_FOR_ERRORS, FEWEST_ERRORS = 20, 2
FEWEST_FOR_P95 = 50
QUANTILE = 0.95
# A difference that clients do not notice, however large its ratio is.
UNNOTICED_SECONDS = 0.05


def between(before: Mapping[str, Figures], after: Mapping[str, Figures]) -> Figures:
    """Return what all instances have served between two readings; one that is new since then has started at 0."""
    requests, errors, buckets = 0, 0, Counter[float]()
    for name, now in after.items():
        then = before.get(name, Figures())
        if now.requests < then.requests:  # the process has started again
            then = Figures()
        requests += now.requests - then.requests
        errors += now.errors - then.errors
        buckets.update({edge: count - then.buckets.get(edge, 0) for edge, count in now.buckets.items()})
    return Figures(requests, errors, dict(buckets))


def comparable(figures: Figures) -> bool:
    """Return True for enough requests to compare both the errors and the p95."""
    return figures.requests >= max(FEWEST_FOR_ERRORS, FEWEST_FOR_P95)


def error_percent(figures: Figures) -> float:
    return 100 * figures.errors / figures.requests if figures.requests else 0.0


def p95(figures: Figures) -> float | None:
    """Return the seconds that 95 % of the requests stayed below; None for too few requests.

    Interpolated within a bucket, as histogram_quantile of Prometheus does; the last finite edge if it is above that.
    """
    if figures.requests < FEWEST_FOR_P95:
        return None
    rank, below, lower = QUANTILE * figures.requests, 0, 0.0
    for edge, count in sorted(figures.buckets.items()):
        if edge == float("inf"):
            break
        if count >= rank:
            return lower + (edge - lower) * (rank - below) / (count - below)
        below, lower = count, edge
    return lower


def fault(running: Figures, candidate: Figures, limits: Limits) -> str:
    """Return why the candidate is worse than the running version; empty if it is not, or too little is known."""
    more = error_percent(candidate) - error_percent(running)
    known = candidate.requests >= FEWEST_FOR_ERRORS and candidate.errors >= FEWEST_ERRORS
    if known and more > limits.error_percent:
        return f"{error_percent(candidate):.1f} % of its responses are 5xx, {error_percent(running):.1f} % before"
    now, then = p95(candidate), p95(running)
    if now is None or then is None or now <= max(limits.slower * then, then + UNNOTICED_SECONDS):
        return ""
    return f"its p95 is {now * 1000:.0f} ms, {then * 1000:.0f} ms before"


def summary(figures: Figures) -> str:
    slow = p95(figures)
    parts = [f"{figures.requests} requests", f"{error_percent(figures):.1f} % 5xx"]
    return ", ".join([*parts, f"p95 {slow * 1000:.0f} ms"] if slow is not None else parts)
