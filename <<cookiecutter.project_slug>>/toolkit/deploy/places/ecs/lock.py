"""The deploy lock: an object in S3, taken and renewed by compare-and-swap on its ETag, by a thread.

A released lock stays as an object without a holder, so that every change of it is the same conditional write.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Exit, Failed, Failure, fail
from toolkit.deploy.places.ecs import errors
from toolkit.deploy.places.ecs.client import AwsError
from toolkit.deploy.places.holder import identity, is_gone

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.bucket import Bucket, Item

KEY = "lock.json"


@dataclass(frozen=True)
class Held:
    """Content of the lock. `seconds`: without a renewal for so long, it is free."""

    holder: str = ""
    since: str = ""
    seconds: float = 60.0


def parsed(text: str) -> Held:
    """Parse the lock's content; a free one for anything else. Pure."""
    try:
        content = json.loads(text)
        return Held(str(content["holder"]), str(content.get("since", "")), float(content.get("seconds", 60)))
    except (ValueError, KeyError, TypeError):
        return Held()


def is_free(held: Held, age: float, *, gone: bool) -> bool:
    """Return True if the lock may be taken: released, expired, or of a process of this host that has ended. Pure."""
    return not held.holder or gone or age > held.seconds


class BucketLock:
    """Use as a context. Raises Failed LOCKED on entry; `require`, LEASE_LOST."""

    def __init__(self, bucket: Bucket, seconds: int, run_url: str = "") -> None:
        self.bucket, self.seconds, self.me = bucket, seconds, identity(run_url)
        self.since = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self._etag, self._renewed, self._lost = "", 0.0, ""
        self._stop, self._mutex = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="lock")

    def __enter__(self) -> BucketLock:
        try:
            self._acquire()
        except AwsError as error:
            raise errors.explained(error) from None
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(self.seconds)
        with suppress(AwsError, Failed):
            if not self._lost:
                self.bucket.put(KEY, "{}", etag=self._etag)

    def require(self) -> None:
        """Check by reading it that the lock is still ours: a sleeping laptop stops all clocks."""
        try:
            with self._mutex:
                live = self.bucket.get(KEY)
                holder = parsed(live.text).holder if live else ""
                if self._lost or holder != self.me:
                    raise lost(self._lost or holder or "no holder (it was released)")
                if time.monotonic() - self._renewed > self.seconds / 2:
                    self._renew()
        except AwsError as error:
            raise errors.explained(error) from None

    def _acquire(self) -> None:
        while True:
            live = self.bucket.get(KEY)
            held = parsed(live.text) if live else Held()
            if held.holder == self.me and live:  # our own write, whose response was lost
                self._etag, self._renewed = live.etag, time.monotonic()
                return
            if live and not is_free(held, live.age, gone=is_gone(held.holder)):
                raise locked(held, live)
            if self._write(live.etag if live else ""):
                return

    def _write(self, etag: str) -> bool:
        text = json.dumps({"holder": self.me, "since": self.since, "seconds": self.seconds})
        made = self.bucket.put(KEY, text, etag=etag)
        if made:
            self._etag, self._renewed = made, time.monotonic()
        return bool(made)

    def _renew(self) -> None:
        if self._write(self._etag):
            return
        live = self.bucket.get(KEY)
        holder = parsed(live.text).holder if live else ""
        if live is None or holder != self.me:
            self._lost = holder or "no holder (it was released)"
            raise lost(self._lost)
        self._etag, self._renewed = live.etag, time.monotonic()

    def _keep(self) -> None:
        while not self._stop.wait(self.seconds / 4):
            with suppress(AwsError, Failed), self._mutex:
                self._renew()


def clear_orphan(bucket: Bucket) -> bool:
    """Release the lock of a killed deployer of this host; True if there was one."""
    live = bucket.get(KEY)
    if live is None or not is_gone(parsed(live.text).holder):
        return False
    return bool(bucket.put(KEY, "{}", etag=live.etag))


def locked(held: Held, live: Item) -> Failed:
    return fail(
        "LOCKED",
        f"another deploy is running: {held.holder}",
        f"since {held.since}, last renewed {live.age:.0f} s ago",
        hint=f"wait for it to end; the lock of a killed deployer expires after {held.seconds:.0f} s",
        exit=Exit.LOCKED,
    )


def lost(holder: str) -> Failed:
    message = f"the deploy lock was taken over by {holder}"
    hint = "nothing was changed since; check `python3 tasks.py history ENV`, then deploy again"
    return Failed(Failure("LEASE_LOST", message, (), hint), Exit.LOCKED)
