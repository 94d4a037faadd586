"""Passwords: argon2id in a bounded pool of threads, and the policy of NIST SP 800-63B-4, 3.1.1.2."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.auth.account_settings import AccountSettings
from app.core.exceptions import Unavailable, Unprocessable

SHORTEST, LONGEST = 15, 128
# Of 0 to 4, by zxcvbn's estimate of guesses: 3 is 10^8 and more.
STRENGTH = 3
_ZXCVBN_LENGTH = 72
NICE = 10  # of the threads that hash
# zxcvbn tries all readings of these signs together: 20 different ones took 3 s of CPU. More than four are read once.
_READINGS = str.maketrans("4@8({[<369!1|0$5+7%2", "aabcccceggiiiossttxz")
_SIGNS = 4
# zxcvbn keeps the words of the context in a variable of its module.
_zxcvbn_lock = threading.Lock()

T = TypeVar("T")


def normalize(password: str) -> str:
    """Return the password in NFC, so that it is the same one from every keyboard."""
    return unicodedata.normalize("NFC", password)


class Passwords:
    """Hashes and verifies. At most `hash_threads` at a time, and `hash_queue` wait; more are refused with 503."""

    def __init__(self, settings: AccountSettings) -> None:
        self._hasher = PasswordHasher(settings.hash_passes, settings.hash_memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(settings.hash_threads, "password", initializer=_give_way)
        self._limit = settings.hash_threads + settings.hash_queue
        self._pending = 0
        # The hash that a log-in of an unknown user is compared with: it takes as long as a known one.
        self._nobody = self._hasher.hash("no password has this hash")

    def require_room(self) -> None:
        """Raise Unavailable when too many wait. Ask before an attempt is counted, which this one would not be."""
        if self._pending >= self._limit:
            raise Unavailable("Too many passwords are being checked. Try again in a moment.", code="passwords_busy")

    async def hash(self, password: str) -> str:
        """Raises Unavailable when too many wait."""
        return await self._run(lambda: self._hasher.hash(normalize(password)))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Return True for the right password; without a stored hash, False after the same time. Raises Unavailable."""
        return await self._run(lambda: self._matches(password, stored or self._nobody)) and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        return self._hasher.check_needs_rehash(stored)

    async def require_strong(self, password: str, context: Iterable[str] = ()) -> None:
        """Check a new password. `context`: words that it may not be made of. Raises Unprocessable."""
        text = normalize(password)
        if not SHORTEST <= len(text) <= LONGEST:
            raise weak(f"must have {SHORTEST} to {LONGEST} characters")
        words = list(context)
        if await self._run(lambda: _is_common(text, words)):
            raise weak("is too easy to guess; use several unrelated words")

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, normalize(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        self.require_room()
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._pending -= 1


def _give_way() -> None:
    """Let the event loop go first: on Linux, a priority is a thread's."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def weak(reason: str) -> Unprocessable:
    error = {"detail": f"The password {reason}.", "code": "password_weak", "pointer": "#/password"}
    return Unprocessable(f"The password {reason}.", code="password_weak", errors=[error])


def _is_common(password: str, context: list[str]) -> bool:
    """Return True for a password of the lists of leaked passwords and words, or made of the context's words."""
    from zxcvbn import zxcvbn  # its lists take 50 ms to load

    text = password[:_ZXCVBN_LENGTH].casefold()
    if len({sign for sign in text if ord(sign) in _READINGS}) > _SIGNS:
        text = text.translate(_READINGS)
    with _zxcvbn_lock:
        score: int = zxcvbn(text, user_inputs=context)["score"]
    return score < STRENGTH
