"""Where a service runs. What a release needs of a place goes through `Place`; each folder here is one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Change, Failed, Failure, Plan
    from toolkit.deploy.places.values import Finding, PlaceStatus, Running, Variables
    from toolkit.deploy.records import Kept, ReleaseRecord
    from toolkit.deploy.spec import ReleaseSpec


class Observation(Protocol):
    """Something of a release as the place has it, and as it has to be."""

    def plan(self) -> Plan:
        """What an apply would change; empty when nothing. Pure. Raises Failed for what must not be changed."""
        ...


class Prerequisites(Observation, Protocol):
    """What the place has of what a deploy needs, besides the release itself; `plan` names and creates what is missing.

    `denied`: whether this user lacks permissions, so that the rest was not looked at.
    `refused`: what the place has against running this release at all.
    """

    @property
    def denied(self) -> bool: ...
    @property
    def variables(self) -> Variables: ...
    @property
    def refused(self) -> Failed | None: ...


class Migration(Protocol):
    """A migration that has been started."""

    def wait(self) -> None:
        """Return once it has succeeded. Raises Failed with its last lines and the reason."""
        ...


class Place(Protocol):
    """One environment of one service, where it runs. Everything raises Failed, and within `explained` nothing else."""

    @property
    def name(self) -> str:
        """The place itself, for people."""
        ...

    @property
    def writes(self) -> int:
        """How many changes were made."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """Forbid changes in this block: one is a bug of the toolkit, and raises AssertionError."""
        ...

    def explained(self) -> AbstractContextManager[None]:
        """Within this, what changes between a look and a write is a Failed as well."""
        ...

    # the deploy lock

    def lock(self, run_url: str) -> AbstractContextManager[None]:
        """Hold the lock; every change asks whether it is still ours. Raises Failed LOCKED, naming the holder."""
        ...

    def require_lock(self) -> None:
        """Check the lock while waiting. Raises Failed LEASE_LOST when another deployer has taken it over."""
        ...

    def clear_orphan(self) -> bool:
        """Remove the lock of a deployer of this host that was killed; True when there was one."""
        ...

    def recover(self) -> str:
        """With the lock held: put right what a killed deployer has left; says what that was."""
        ...

    # the history

    def records(self) -> list[ReleaseRecord]:
        """Every release on record, the oldest first."""
        ...

    def write_record(self, record: ReleaseRecord) -> ReleaseRecord:
        """Keep it under the next free number."""
        ...

    def prune(self, gone: Sequence[ReleaseRecord], kept: Sequence[ReleaseRecord], spec: ReleaseSpec) -> None:
        """Remove these records, and what neither `kept` nor this release refers to."""
        ...

    def kept_objects(self, spec: ReleaseSpec) -> tuple[Kept, ...]:
        """What a record keeps of a release, so that it can be put back: no secret, no migration."""
        ...

    def is_recorded(self, spec: ReleaseSpec, record: ReleaseRecord) -> bool:
        """Whether a record is that of this very release."""
        ...

    # before anything is changed

    def refuse_ending(self) -> None:
        """Raises Failed when the place is being deleted: every other finding would mislead."""
        ...

    @property
    def programs(self) -> Sequence[str]:
        """What has to be installed on this machine."""
        ...

    def require_programs(self) -> str:
        """The version of them; empty without any. Raises Failed for one that will not do."""
        ...

    def findings(self) -> Sequence[Failure]:
        """What the inventory says that would not stand a roll-out. Pure."""
        ...

    def check(self, spec: ReleaseSpec) -> None:
        """Raises Failed for a release of this checkout that could not work. Asks nobody."""
        ...

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> Prerequisites:
        """Read what a deploy needs; a rollback has settings and references with which its release has served."""
        ...

    def variables(self) -> Variables: ...

    def create(self) -> str:
        """Make what the prerequisites' plan says; says what that was."""
        ...

    def unfit(self, platforms: Collection[str]) -> Failure | None:
        """Why an image for these processors does not run here."""
        ...

    def shortages(self, spec: ReleaseSpec, *, migrates: bool, release: Plan) -> Sequence[str]:
        """A line for each limit that has no room for what the release adds, its record included."""
        ...

    def change_secret(self, names: Sequence[str]) -> Sequence[str]:
        """How these variables get new values, where the environment keeps its secrets."""
        ...

    # a release

    def observe_configuration(self, spec: ReleaseSpec) -> Observation:
        """What has to exist before the migration."""
        ...

    def apply_configuration(self, spec: ReleaseSpec, plan: Plan) -> str:
        """Make the planned changes. Returns the mark of the variables as they are then."""
        ...

    def has_other_variables(self, mark: str) -> bool:
        """Whether what runs has started with other variables than those of `mark`."""
        ...

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        """The migration as a change. Raises Failed when this checkout has none."""
        ...

    def start_migration(self, spec: ReleaseSpec) -> Migration:
        """Run the release's migration once; one that runs already is taken over."""
        ...

    def observe(self, spec: ReleaseSpec) -> Observation:
        """Everything else of the release."""
        ...

    def apply(self, spec: ReleaseSpec, plan: Plan) -> int | None:
        """Make the planned changes. Returns the place's own number for the release, where it has one."""
        ...

    def put_back(self, record: ReleaseRecord) -> int | None:
        """Bring an earlier release back, whoever has touched it since; returns as `apply`."""
        ...

    # what runs

    def running_digest(self) -> str:
        """Digest of the image that is deployed; empty when there is none."""
        ...

    def running(self) -> Running: ...

    def refusal_of_database(self) -> Failed | None:
        """Why what runs cannot become ready with the settings that it has."""
        ...

    def watch(self, seconds: float, hold: float) -> str:
        """Wait until the newest revision has taken over and held; says what held. Raises Failed with a verdict."""
        ...

    def ask(self, path: str) -> object:
        """The service's JSON answer to GET `path`, the way that clients come; None when nobody answers."""
        ...

    @property
    def unanswered_hint(self) -> str:
        """What to look at when the service runs, and nobody answers."""
        ...

    def status(self) -> PlaceStatus: ...

    def logs(self, lines: int) -> list[str]:
        """The newest lines of each instance, each behind its name."""
        ...

    # doctor

    def identify(self) -> Finding:
        """Which place it is, and whether that is the one that the inventory means."""
        ...

    def checks(self, spec: Callable[[], ReleaseSpec]) -> Mapping[str, Callable[[], Finding]]:
        """The place's own lines of `doctor`, in order, by name."""
        ...

    @property
    def unconnected(self) -> str:
        """Why the place cannot be asked anything; empty when it can."""
        ...

    def write_files(self, spec: ReleaseSpec, folder: Path) -> list[str]:
        """The release as files, without secrets. Returns what to print."""
        ...
