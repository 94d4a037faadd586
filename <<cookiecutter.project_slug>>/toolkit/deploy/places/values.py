"""Values that a place returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Variables:
    """The variables that the service reads in this place and that no release writes, as far as they can be read.

    `shared`: those of sources that other services use as well. `complete`: False where there may be more of them.
    `mark`: a short name of their content, empty where there is none.
    """

    own: Mapping[str, str] = field(default_factory=dict, repr=False)
    shared: Mapping[str, str] = field(default_factory=dict, repr=False)
    complete: bool = True
    mark: str = ""


@dataclass(frozen=True)
class Running:
    """The running service. `complete`: every instance is of the newest revision, and ready."""

    name: str
    complete: bool
    summary: str


@dataclass(frozen=True)
class Figures:
    """Requests of clients that an instance has answered. `buckets`: seconds -> requests that took at most that long."""

    requests: int = 0
    errors: int = 0
    buckets: Mapping[float, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """Limits of a canary, compared with the running version.

    `error_percent`: points of the share of 5xx. `slower`: factor of the p95. `keys`: those of the inventory.
    """

    error_percent: float
    slower: float
    keys: str = "`gateway.canary_error_percent` and `gateway.canary_slower`"


@dataclass(frozen=True)
class Instance:
    """One copy of the service, for people."""

    name: str
    ready: bool
    phase: str
    restarts: int
    node: str


@dataclass(frozen=True)
class Process:
    """A further process of the service's image. `ok`: it runs as asked; of a scheduled one, the last run succeeded."""

    name: str
    ok: bool
    summary: str


@dataclass(frozen=True)
class PlaceStatus:
    """`unready`: what an instance that is not ready says. `stale`: it has started with variables that have changed."""

    image: str
    desired: int
    ready: int
    old: int
    unready: str
    stale: bool
    instances: tuple[Instance, ...]
    processes: tuple[Process, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One line of `doctor`. `lines`: its details. `hint` and then `hints`: what to do, in the order in which it works.

    `ends`: nothing else of this place is worth a look then.
    """

    ok: bool
    summary: str
    hint: str = ""
    skipped: bool = False
    lines: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    ends: str = ""


@dataclass(frozen=True)
class Tunnel:
    """A local port that leads to the service's database. `url`: that database's, with its password.

    `alive`: False once the connection to the place is lost.
    """

    port: int
    url: str = field(repr=False)
    alive: Callable[[], bool] = lambda: True
