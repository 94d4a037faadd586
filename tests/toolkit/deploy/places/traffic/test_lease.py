"""The lock as a text that is changed by compare-and-swap."""

import threading
import time

import pytest

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.traffic import lease
from toolkit.deploy.places.traffic.lease import Held, Lease


class Text:
    """A slot in memory."""

    def __init__(self, text: str = "") -> None:
        self.text, self._mutex = text, threading.Lock()

    def read(self) -> str:
        return self.text

    def swap(self, before: str, after: str) -> bool:
        with self._mutex:
            if self.text != before:
                return False
            self.text = after
            return True


def test_the_lock_is_free_afterwards() -> None:
    slot = Text()
    with Lease(slot, 60) as held:
        held.require()
        found = lease.parsed(slot.text)
        assert found
        assert found.holder == held.me
    assert slot.text == ""


def test_a_holder_that_renews_is_respected() -> None:
    slot = Text()
    with Lease(slot, 1), pytest.raises(Failed) as refused, Lease(slot, 1):
        pass
    assert refused.value.failure.code == "LOCKED"
    assert refused.value.exit == 5


def test_a_lock_that_nobody_renews_expires() -> None:
    slot = Text(Held("ada@elsewhere 1 - nonce", 1, "then", "then").text())
    began = time.monotonic()
    with Lease(slot, 60) as held:
        held.require()
    assert time.monotonic() - began >= 1


def test_a_killed_holder_of_this_host_has_no_lock() -> None:
    import socket

    slot = Text(Held(f"ada@{socket.gethostname()} 4194304 1 nonce", 60, "then", "then").text())
    began = time.monotonic()
    with Lease(slot, 60):
        assert time.monotonic() - began < 30


@pytest.mark.parametrize("other", ["", Held("ada@elsewhere 1 - nonce", 60, "now", "now").text()])
def test_a_lock_that_was_taken_is_noticed_and_left_alone(other: str) -> None:
    slot = Text()
    with Lease(slot, 60) as held:
        slot.text = other
        with pytest.raises(Failed) as lost:
            held.require()
        assert lost.value.failure.code == "LEASE_LOST"
    assert slot.text == other
