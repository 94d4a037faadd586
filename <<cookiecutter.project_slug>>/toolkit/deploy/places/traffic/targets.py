"""The division of the requests between revisions. A plan always names all of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# The candidate's own address; the running version has one as long as a canary compares the two.
CANDIDATE, RUNNING = "candidate", "running"
ALL = 100


@dataclass(frozen=True)
class Target:
    """A revision and its share in percent. `tag`: the name of its own address; empty for none."""

    revision: str
    percent: int
    tag: str = ""

    def __str__(self) -> str:
        tag = f", tag {self.tag}" if self.tag else ""
        return f"{self.revision} {self.percent} %{tag}"


Traffic = tuple[Target, ...]


def settled(revision: str) -> Traffic:
    """Return the traffic after a release: all requests go to one revision, and no tag keeps another one alive."""
    return (Target(revision, ALL),)


def first(revision: str) -> Traffic:
    """Return the traffic of a first release, which has no revision to keep the requests."""
    return (Target(revision, ALL, CANDIDATE),)


def beside(running: str, candidate: str) -> Traffic:
    """Return the traffic of a candidate without any request of clients, but with its own address."""
    return (Target(running, ALL), Target(candidate, 0, CANDIDATE))


def shared(running: str, candidate: str, percent: int) -> Traffic:
    """Return the traffic of a canary: both have an address, so that their figures can be read."""
    return (Target(running, ALL - percent, RUNNING), Target(candidate, percent, CANDIDATE))


def serving(traffic: Iterable[Target]) -> str:
    """Return the revision with the largest share; empty without any."""
    chosen = max(traffic, key=lambda target: target.percent, default=None)
    return chosen.revision if chosen and chosen.percent else ""


def is_settled(traffic: Sequence[Target], revision: str) -> bool:
    """Return True if the revision gets all requests, and no other one is kept by a tag."""
    return [target.revision for target in traffic] == [revision] and traffic[0].percent == ALL


def is_interrupted(traffic: Sequence[Target]) -> bool:
    """Return True for the traffic of a deploy that has not ended."""
    return len(traffic) > 1 and any(target.tag in (CANDIDATE, RUNNING) for target in traffic)


def restored(traffic: Sequence[Target], good: str) -> Traffic:
    """Return the traffic before an interrupted deploy. `good`: the revision of the last good release, if any.

    Without that revision in the traffic, the one that is not the candidate gets all requests.
    """
    names = [target.revision for target in traffic]
    others = [target for target in traffic if target.tag != CANDIDATE]
    return settled(good if good in names else (serving(others) or serving(traffic) or names[0]))


def shown(traffic: Iterable[Target]) -> str:
    return ", ".join(map(str, traffic)) or "none"
