"""A place whose deploy lock and history are kept by the platform itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.defaults import PlaceDefaults
from toolkit.deploy.places.traffic.lease import Lease, Slot

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.records import Kept, ReleaseRecord
    from toolkit.deploy.report import Report
    from toolkit.deploy.spec import ReleaseSpec


class Ledger(Slot, Protocol):
    """The lock and the history."""

    def records(self) -> list[ReleaseRecord]: ...
    def add(self, record: ReleaseRecord) -> ReleaseRecord: ...
    def remove(self, gone: Sequence[ReleaseRecord]) -> None: ...


class Connection(Protocol):
    """The clients of a platform's APIs."""

    @property
    def ledger(self) -> Ledger: ...


E = TypeVar("E", bound="Environment", covariant=True)
C = TypeVar("C", bound=Connection, covariant=True)


class ConnectedPlace(PlaceDefaults, ABC, Generic[E, C]):
    """`connection`: None for a place that no request is sent to; each one then raises `error`."""

    product: str  # the platform's name, for messages

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
        super().__init__(changes, error)
        self.project, self.service, self.environment, self.report = project, service, environment, report
        self._connection = connection
        self._records: list[ReleaseRecord] | None = None

    @property
    def connection(self) -> C:
        if self._connection is None:
            raise self._error or AssertionError("no connection")
        return self._connection

    @property
    def error(self) -> Failed | None:
        return self._error

    @property
    def name(self) -> str:
        return f"{self.product} {self.environment.scope}"

    @contextmanager
    def lock(self, run_url: str) -> Iterator[None]:
        ledger = self.connection.ledger
        with Lease(ledger, self.environment.lease_seconds, run_url) as lease, self.changes.guarded(lease.require):
            self._records = None  # another deployer may have written one since
            yield

    def records(self) -> list[ReleaseRecord]:
        if self._records is None:
            self._records = self.connection.ledger.records()
        return self._records

    def write_record(self, record: ReleaseRecord) -> ReleaseRecord:
        return self.connection.ledger.add(record)

    def prune(self, gone: Sequence[ReleaseRecord], kept: Sequence[ReleaseRecord], spec: ReleaseSpec) -> None:
        if gone:
            self.connection.ledger.remove(gone)

    @abstractmethod
    def kept_objects(self, spec: ReleaseSpec) -> tuple[Kept, ...]: ...

    def is_recorded(self, spec: ReleaseSpec, record: ReleaseRecord) -> bool:
        return record.objects == self.kept_objects(spec)
