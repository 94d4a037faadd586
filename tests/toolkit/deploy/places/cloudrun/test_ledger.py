"""The lock and the history in one Job, which the deploy and the lock's thread write."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from tests.support.running import PATIENCE
from tests.toolkit.deploy.places.cloudrun.made import environment
from toolkit.deploy.places.changes import Changes
from toolkit.deploy.places.cloudrun.errors import WriteConflict
from toolkit.deploy.places.cloudrun.ledger import Ledger
from toolkit.deploy.places.traffic.lease import Lease
from toolkit.deploy.records import ReleaseRecord

RECORD = ReleaseRecord(1, "sha256:a", "shop@sha256:a", "deployed", "admin-api", "2026-01-01")


class Jobs:
    """A service with one Job in memory. `lost`: so many responses of writes get lost; their repetitions conflict."""

    def __init__(self) -> None:
        self.env, self.name = environment(), "shop"
        self.changes, self.lost = Changes(), 0
        self._live: dict[str, Any] | None = None
        self._mutex = threading.Lock()

    def job(self, name: str) -> dict[str, Any] | None:
        return self._live

    def job_body(self, name: str, live: object, spec: object, annotations: dict[str, str]) -> dict[str, Any]:
        return {"metadata": {"annotations": dict(annotations)}, "spec": spec}

    def write_job(self, name: str, live: object, body: dict[str, Any], *, guarded: bool = True) -> None:
        if guarded:
            self.changes.allow()
        with self._mutex:
            if live is not self._live:
                raise WriteConflict(name)
            self._live = body
        if self.lost:
            self.lost -= 1
            raise WriteConflict(name)


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def ledger(jobs: Jobs) -> Ledger:
    return Ledger(jobs)  # type: ignore[arg-type]


def held(ledger: Ledger) -> Lease:
    """The lock, which is not given back: that would wait for threads that wait for each other."""
    lease = Lease(ledger, 600)
    lease._acquire()
    return lease


def test_a_write_that_renews_the_lock_ends(jobs: Jobs, ledger: Ledger) -> None:
    """The lock is so old that the check before the write renews it, which writes the same Job."""
    lease = held(ledger)
    with jobs.changes.guarded(lease.require):
        lease._renewed -= 1000
        writer = threading.Thread(target=ledger.set_spec, args=({"image": "new"},), daemon=True)
        writer.start()
        writer.join(PATIENCE / 5)
        assert not writer.is_alive()
        lease.require()
    written = jobs.job("shop-migrate")
    assert written
    assert written["spec"] == {"image": "new"}


def test_a_write_and_the_thread_of_the_lock_do_not_wait_for_each_other(jobs: Jobs, ledger: Ledger) -> None:
    begun, read = threading.Event(), jobs.job

    def reading(name: str) -> dict[str, Any] | None:
        """Begin to renew the lock in another thread, in the middle of the deploy's write."""
        found = read(name)
        if threading.current_thread() is writer and not begun.is_set():
            renewal.start()
            begun.wait(PATIENCE)
        return found

    def renew() -> None:
        with lease._mutex:
            begun.set()
            lease._renew()

    lease = held(ledger)
    with jobs.changes.guarded(lease.require):
        renewal = threading.Thread(target=renew, daemon=True)
        writer = threading.Thread(target=ledger.set_spec, args=({"image": "new"},), daemon=True)
        jobs.job = reading  # type: ignore[method-assign]
        writer.start()
        writer.join(PATIENCE / 5)
        assert not writer.is_alive()
        assert not renewal.is_alive()
        lease.require()


def test_a_record_whose_response_is_lost_is_written_once(jobs: Jobs, ledger: Ledger) -> None:
    jobs.lost = 1
    first = ledger.add(RECORD)
    second = ledger.add(replace(RECORD, at="2026-01-02"))
    assert (first.number, second.number) == (1, 2)
    assert ledger.records() == [first, second]
