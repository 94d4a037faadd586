"""The deploy lock as a text in an object of the platform, changed by compare-and-swap and renewed by a thread."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Protocol

from toolkit.deploy.outcomes import Exit, Failed, Failure, fail
from toolkit.deploy.places.holder import identity, is_gone

if TYPE_CHECKING:
    from types import TracebackType

POLL_SECONDS = 0.5


class Slot(Protocol):
    """The place of the lock's text. Members raise Failed."""

    def read(self) -> str:
        """Return the text; empty without a lock."""
        ...

    def swap(self, before: str, after: str) -> bool:
        """Replace the text if it is still `before`; False if it is not."""
        ...


@dataclass(frozen=True)
class Held:
    """The lock. `renewed`: changes with every renewal; a waiting deployer compares it, and no clocks."""

    holder: str
    seconds: int
    since: str
    renewed: str

    def text(self) -> str:
        return json.dumps(asdict(self))


def parsed(text: str) -> Held | None:
    """Parse a lock; None for a free one, or for another program's text. Pure."""
    try:
        content = json.loads(text)
        return Held(content["holder"], int(content["seconds"]), str(content["since"]), str(content["renewed"]))
    except (KeyError, ValueError, TypeError):
        return None


class Lease:
    """The lock, as a context. Raises Failed LOCKED on entry if another deployer has it; `require`, LEASE_LOST."""

    def __init__(self, slot: Slot, seconds: int, run_url: str = "") -> None:
        self.slot, self.seconds, self.me = slot, seconds, identity(run_url)
        self._held = Held(self.me, seconds, "", "")
        self._renewed, self._lost = 0.0, ""
        self._stop, self._mutex = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="lease")

    def __enter__(self) -> Lease:
        self._acquire()
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(self.seconds)
        with suppress(Failed, AssertionError), self._mutex:
            self.slot.swap(self._held.text(), "")

    def require(self) -> None:
        """Check that the lock is still ours, by reading it (a sleeping laptop stops all clocks)."""
        with self._mutex:
            live = parsed(self.slot.read())
            if live is None or live.holder != self.me:
                self._lost = live.holder if live else "no holder (it was deleted)"
            if self._lost:
                raise lost(self._lost)
            if time.monotonic() - self._renewed > self.seconds / 2:
                self._renew()

    def _acquire(self) -> None:
        seen, since = "", time.monotonic()
        while True:
            text = self.slot.read()
            live = parsed(text)
            free = live is None or is_gone(live.holder, socket.gethostname())
            if free or (live and text == seen and time.monotonic() - since > live.seconds):
                now = _now()
                mine = Held(self.me, self.seconds, now, now)
                if self.slot.swap(text, mine.text()):
                    self._held, self._renewed = mine, time.monotonic()
                    return
                continue
            if live and seen and text != seen:
                raise locked(live)
            if not seen:
                seen, since = text, time.monotonic()
            time.sleep(POLL_SECONDS)

    def _keep(self) -> None:
        while not self._stop.wait(self.seconds / 4):
            with suppress(Failed), self._mutex:
                self._renew()

    def _renew(self) -> None:
        after = replace(self._held, renewed=_now())
        if self.slot.swap(self._held.text(), after.text()):
            self._held, self._renewed = after, time.monotonic()
            return
        live = parsed(self.slot.read())
        if live is None or live.holder != self.me:
            self._lost = live.holder if live else "no holder (it was deleted)"
            raise lost(self._lost)
        self._held, self._renewed = live, time.monotonic()  # our own write, whose response was lost


def _now() -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}.{time.time_ns() % 10**9:09}Z"


def locked(live: Held) -> Failed:
    return fail(
        "LOCKED",
        f"another deploy is running: {live.holder}",
        f"since {live.since}, last renewed {live.renewed}",
        hint="wait for it to end; the lock of a killed deployer expires with its lease",
        exit=Exit.LOCKED,
    )


def lost(holder: str) -> Failed:
    message = f"the deploy lock was taken over by {holder}"
    hint = "nothing was changed since; check `python3 tasks.py history ENV`, then deploy again"
    return Failed(Failure("LEASE_LOST", message, (), hint), Exit.LOCKED)
