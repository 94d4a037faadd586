"""The members that each platform with revisions has for itself, and the state of one command."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.traffic.connected import ConnectedPlace
from toolkit.deploy.places.values import Finding

if TYPE_CHECKING:
    from toolkit.deploy.inventory.traffic import TrafficEnvironment
    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.places.traffic.platform import Connected, Platform, Releases
    from toolkit.deploy.records import Kept
    from toolkit.deploy.report import Report
    from toolkit.deploy.spec import ReleaseSpec

E = TypeVar("E", bound="TrafficEnvironment", covariant=True)
C = TypeVar("C", bound="Connected", covariant=True)


class TrafficBase(ConnectedPlace[E, C], Generic[E, C]):
    """The members that each platform with revisions has for itself."""

    silence = "No instance of {} has logged anything."

    def __init__(
        self,
        project: Path,
        service: str,
        environment: E,
        report: Report,
        changes: Changes,
        connection: C | None,
        error: Failed | None = None,
    ) -> None:
        super().__init__(project, service, environment, report, changes, connection, error)
        self._released: tuple[Kept, str] | None = None  # what `watch` waits for: the release and its revision
        self._begun: tuple[Kept, bool] | None = None  # an operation that `watch` carries out

    # each platform's own

    @property
    @abstractmethod
    def platform(self) -> Platform: ...

    @property
    @abstractmethod
    def rollout(self) -> Releases: ...

    @property
    @abstractmethod
    def described(self) -> str:
        """Return what the environment is on the platform, for `doctor`."""

    @property
    @abstractmethod
    def unanswered_hint(self) -> str: ...

    @abstractmethod
    def rendered(self, spec: ReleaseSpec, versions: Mapping[str, str]) -> Kept:
        """Return the release in the platform's form: references to secrets, and no value. Pure."""

    @abstractmethod
    def processes(self, web: Kept) -> tuple[Kept, ...]:
        """Return the further processes of a release. Pure."""

    @abstractmethod
    def apply_processes(self, processes: Sequence[Kept]) -> None:
        """Make the further processes those of the release."""

    @abstractmethod
    def is_revision_of(self, name: str, kept: Kept) -> bool:
        """Return True for a revision of the release, of any attempt. Pure."""

    @abstractmethod
    def ask(self, path: str) -> object: ...

    @abstractmethod
    def check_permissions(self) -> Finding:
        """Read what a deploy reads. Raises Failed for a missing permission."""
