"""The parts of a platform that keeps revisions, as the common code uses them. Members raise Failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from toolkit.deploy.places.traffic.canary import Divider
from toolkit.deploy.places.traffic.connected import Connection

if TYPE_CHECKING:
    from toolkit.deploy.places.traffic.targets import Traffic
    from toolkit.deploy.records import Kept


class Revision(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def is_ready(self) -> bool: ...


class Live(Protocol):
    """The service. `asked`: the division of the requests in its specification; `traffic`: the one in effect."""

    @property
    def asked(self) -> Traffic: ...
    @property
    def traffic(self) -> Traffic: ...
    @property
    def serving(self) -> str: ...
    @property
    def url(self) -> str: ...


class Platform(Protocol):
    """`name`: that of the service."""

    @property
    def name(self) -> str: ...
    def get(self) -> Live | None: ...
    def revision(self, name: str) -> Revision | None: ...


class Releases(Divider, Protocol):
    """The steps of a release."""

    def release(self, kept: Kept, *, has_served: bool = False, fresh: bool = False) -> str:
        """Bring the release to serve all requests. Returns its revision. Raises Failed with a verdict.

        `has_served`: its revision, if it still runs, needs no other check before it gets requests. `fresh`: with new
        instances.
        """
        ...

    def name_of(self, kept: Kept) -> str:
        """Return the name of the release's revision."""
        ...


class Secrets(Protocol):
    @property
    def by_variable(self) -> Mapping[str, str]: ...
    def add_version(self, variable: str, value: str) -> str: ...


class Logs(Protocol):
    def of_revisions(self, names: Sequence[str], lines: int) -> list[str]: ...


class Connected(Connection, Protocol):
    """The clients of a platform with revisions."""

    @property
    def secrets(self) -> Secrets: ...
    @property
    def logs(self) -> Logs: ...
