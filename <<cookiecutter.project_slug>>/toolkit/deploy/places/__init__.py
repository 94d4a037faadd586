"""Deployment targets. A release uses a target only through the protocol `Place`; each folder here is one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Change, Failed, Failure, Plan
    from toolkit.deploy.places.values import Figures, Finding, Limits, PlaceStatus, Running, Variables
    from toolkit.deploy.records import Kept, ReleaseRecord
    from toolkit.deploy.spec import ReleaseSpec


class Observation(Protocol):
    """A part of a release: the current and the required state."""

    def plan(self) -> Plan:
        """Return the changes of an apply; empty without any. Pure. Raises Failed if a change is not allowed."""
        ...


class Prerequisites(Observation, Protocol):
    """Requirements of a deploy that the place meets, or not; `plan` raises Failed, or plans what `create` makes.

    `denied`: this user lacks permissions, so the rest was not checked.
    `refused`: the reason why the place would not admit this release.
    """

    @property
    def denied(self) -> bool: ...
    @property
    def variables(self) -> Variables: ...
    @property
    def refused(self) -> Failed | None: ...


class Migration(Protocol):
    """A started migration."""

    def wait(self) -> None:
        """Wait for its success. Raises Failed with its last lines and the reason."""
        ...


class Canary(Protocol):
    """The new version beside the running one, which stays as it is."""

    @property
    def weights(self) -> Sequence[int]:
        """Percentages of the requests, in order."""
        ...

    @property
    def seconds(self) -> float:
        """Time for each of them."""
        ...

    @property
    def limits(self) -> Limits: ...

    def start(self, weight: int) -> str:
        """Run enough instances for this share, until they are stable. Raises Failed with a verdict."""
        ...

    def shift(self, weight: int) -> None:
        """Give the new version this share of the requests. Raises Failed if the proxy refuses that."""
        ...

    def ask(self, path: str) -> object:
        """Return the new version's JSON response to GET `path`; None without a response."""
        ...

    def check(self) -> None:
        """Raises Failed with the verdict on an instance of the new version that has failed."""
        ...

    def figures(self) -> tuple[Mapping[str, Figures], Mapping[str, Figures]]:
        """Return what the running and the new version have served since their start, by instance."""
        ...

    def end(self) -> None:
        """Give all requests to the running version again, and remove the new one. Works at any time."""
        ...


class Place(Protocol):
    """One environment of one service. Members raise Failed, and within `explained` nothing else."""

    @property
    def name(self) -> str:
        """Name of the place, for messages."""
        ...

    @property
    def writes(self) -> int:
        """Number of changes made."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """Forbid changes in this block: one is a bug of the toolkit, and raises AssertionError."""
        ...

    def explained(self) -> AbstractContextManager[None]:
        """Turn the place's own exceptions, such as a write conflict, into Failed."""
        ...

    # the deploy lock

    def lock(self, run_url: str) -> AbstractContextManager[None]:
        """Hold the lock; every change checks it. Raises Failed LOCKED with the holder."""
        ...

    def require_lock(self) -> None:
        """Check the lock while waiting. Raises Failed LEASE_LOST when another deployer has taken it over."""
        ...

    def clear_orphan(self) -> bool:
        """Delete the lock of a killed deployer of this host. True if there was one."""
        ...

    def recover(self) -> str:
        """Repair leftovers of a killed deployer, under the lock. Returns a summary; empty without any."""
        ...

    # the history

    def records(self) -> list[ReleaseRecord]:
        """Return every record, the oldest first."""
        ...

    def write_record(self, record: ReleaseRecord) -> ReleaseRecord:
        """Write a record under the next free number. Returns it."""
        ...

    def prune(self, gone: Sequence[ReleaseRecord], kept: Sequence[ReleaseRecord], spec: ReleaseSpec) -> None:
        """Delete these records, and objects that neither `kept` nor this release refers to."""
        ...

    def kept_objects(self, spec: ReleaseSpec) -> tuple[Kept, ...]:
        """Return the objects for the record: without secrets and without the migration, which a rollback skips."""
        ...

    def is_recorded(self, spec: ReleaseSpec, record: ReleaseRecord) -> bool:
        """Return whether this release is the one of the record."""
        ...

    # before anything is changed

    def refuse_ending(self) -> None:
        """Refuse a place that is being deleted, with Failed: other checks would mislead."""
        ...

    @property
    def programs(self) -> Sequence[str]:
        """Programs that must be installed on this machine."""
        ...

    def require_programs(self) -> str:
        """Return their version; empty without any. Raises Failed for an unsupported version."""
        ...

    def findings(self) -> Sequence[Failure]:
        """Return the faults of the inventory's values. Pure."""
        ...

    def check(self, spec: ReleaseSpec) -> None:
        """Check a release of this checkout, without any request. Raises Failed with every fault."""
        ...

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> Prerequisites:
        """Read the requirements of a deploy. A rollback has settings and references that worked before."""
        ...

    def variables(self) -> Variables: ...

    def create(self) -> str:
        """Create the missing prerequisites. Returns a summary."""
        ...

    def unfit(self, platforms: Collection[str]) -> Failure | None:
        """Return a failure if an image for these platforms cannot run here."""
        ...

    def shortages(self, spec: ReleaseSpec, *, migrates: bool, release: Plan) -> Sequence[str]:
        """Return a line for each limit that the release, with its record, would exceed."""
        ...

    def change_secret(self, names: Sequence[str]) -> Sequence[str]:
        """Return the commands that set these variables where the environment keeps its secrets."""
        ...

    # a release

    def observe_configuration(self, spec: ReleaseSpec) -> Observation:
        """Compare the objects that must exist before the migration."""
        ...

    def apply_configuration(self, spec: ReleaseSpec, plan: Plan) -> str:
        """Apply the planned changes. Returns the new mark of the variables."""
        ...

    def has_other_variables(self, mark: str) -> bool:
        """Return whether the running instances started with other variables than those of `mark`."""
        ...

    def schema(self) -> str | None:
        """Return the schema of a database that the toolkit runs, empty for an empty one; None if it is not known."""
        ...

    def plan_backup(self) -> Change | None:
        """Return the backup before a migration that drops data; None where the toolkit runs no database."""
        ...

    def back_up(self, reason: str) -> str:
        """Make that backup. Returns its number, for `restore`."""
        ...

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        """Return the migration as a change. Raises Failed if this checkout has none."""
        ...

    def start_migration(self, spec: ReleaseSpec) -> Migration:
        """Start the release's migration, or adopt the one that is running."""
        ...

    def canary(self, spec: ReleaseSpec) -> Canary | None:
        """Return the candidate of a release that must serve a share of the requests first; None if it need not."""
        ...

    def observe(self, spec: ReleaseSpec) -> Observation:
        """Compare the other objects of the release."""
        ...

    def apply(self, spec: ReleaseSpec, plan: Plan) -> int | None:
        """Apply the planned changes. Returns the place's own number for the release, if it has one."""
        ...

    def put_back(self, record: ReleaseRecord) -> int | None:
        """Roll back to an earlier release, over any drift; returns as `apply`."""
        ...

    # what runs

    def running_digest(self) -> str:
        """Return the digest of the deployed image; empty without one."""
        ...

    def running(self) -> Running: ...

    def refusal_of_database(self) -> Failed | None:
        """Return a failure if the database refuses the running instances, whatever is deployed."""
        ...

    def watch(self, seconds: float, hold: float) -> str:
        """Wait until the newest revision is complete and stable. Returns a summary. Raises Failed with a verdict."""
        ...

    def ask(self, path: str) -> object:
        """Return the service's JSON response to GET `path`, by the route of its clients; None without a response."""
        ...

    @property
    def unanswered_hint(self) -> str:
        """Hint for a running service that does not answer."""
        ...

    def figures(self) -> Mapping[str, Figures]:
        """Return the requests that each running instance has answered since its start; empty if they are unknown."""
        ...

    def status(self) -> PlaceStatus: ...

    def logs(self, lines: int) -> list[str]:
        """Return the newest lines of each instance, prefixed with its name."""
        ...

    # doctor

    def identify(self) -> Finding:
        """Check that this place is the one in the inventory, for `doctor`."""
        ...

    def checks(self, spec: Callable[[], ReleaseSpec]) -> Mapping[str, Callable[[], Finding]]:
        """Return the place's own checks for `doctor`, in order, by name."""
        ...

    @property
    def unconnected(self) -> str:
        """Reason why the place cannot be queried; empty if it can."""
        ...

    def write_files(self, spec: ReleaseSpec, folder: Path) -> list[str]:
        """Write the release as files, without secrets. Returns lines to print."""
        ...
