"""The deploy lock: a file lock on the first host, held by an SSH session. It ends with its deployer, however that ends.

The deployer writes a line now and then, and the host answers; the host's side gives up after `seconds` of silence, so
that the lock of a deployer whose network is gone is free again, too.
"""

from __future__ import annotations

import shlex
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from toolkit.deploy.current_user import whoami
from toolkit.deploy.outcomes import Exit, Failed, Failure, fail
from toolkit.dev.subprocesses import stop

if TYPE_CHECKING:
    from types import TracebackType

    from toolkit.deploy.places.machine.host import Machine

# bash: only its `read` has a time limit.
SCRIPT = """
umask 077
mkdir -p "$1" || exit 1
exec 9>>"$1/lock" || exit 1
if ! flock -n 9; then echo "locked $(cat "$1/holder" 2>/dev/null)"; exit 5; fi
printf '%s' "$3" > "$1/holder"
echo held
while IFS= read -r -t "$2" line; do echo "$line"; done
rm -f "$1/holder"
"""


class HostLock:
    """Use as a context. Raises Failed LOCKED with the holder, HOST_FILES."""

    def __init__(self, machine: Machine, seconds: int, run_url: str) -> None:
        self.machine, self.seconds = machine, seconds
        self.holder = " ".join(filter(None, (whoami(), "since", time.strftime("%Y-%m-%dT%H:%M:%S%z"), run_url)))
        self._stop, self._heard = threading.Event(), 0.0

    def __enter__(self) -> HostLock:
        arguments = [self.machine.folder, str(self.seconds), self.holder]
        self._session = self.machine.connection.session(shlex.join(["bash", "-c", SCRIPT, "lock", *arguments]))
        said = self._line()
        if said != "held":
            stop(self._session)
            raise self._refused(said)
        self._heard = time.monotonic()
        self._threads = [threading.Thread(target=task, daemon=True) for task in (self._beat, self._listen)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._stop.set()
        with suppress(OSError):
            if self._session.stdin:
                self._session.stdin.close()
        # The host's side ends by itself, and only then is the lock free.
        with suppress(Exception):
            self._session.wait(5)
        stop(self._session)

    def require(self) -> None:
        """Raises Failed LEASE_LOST when the host may have given the lock to another deployer."""
        silent = time.monotonic() - self._heard
        if self._session.poll() is not None or silent > self.seconds * 0.75:
            message = f"the deploy lock on {self.machine.name} was lost: the host was silent for {silent:.0f} s"
            hint = "nothing was changed since; check `python3 tasks.py history ENV`, then deploy again"
            raise Failed(Failure("LEASE_LOST", message, (), hint), Exit.LOCKED)

    def _line(self) -> str:
        stream = self._session.stdout
        return stream.readline().decode(errors="replace").strip() if stream else ""

    def _beat(self) -> None:
        while not self._stop.wait(self.seconds / 8):
            try:
                if self._session.stdin:
                    self._session.stdin.write(b"beat\n")
                    self._session.stdin.flush()
            except (OSError, ValueError):
                return

    def _listen(self) -> None:
        while self._line():
            self._heard = time.monotonic()

    def _refused(self, said: str) -> Failed:
        if said.startswith("locked"):
            holder = said.removeprefix("locked").strip() or "unknown"
            hint = "wait for it to end; the lock of a lost deployer is released by the host"
            return fail("LOCKED", f"another deploy is running: {holder}", hint=hint, exit=Exit.LOCKED)
        hint = "`python3 tasks.py provision ENV` prepares the host"
        return fail("HOST_FILES", f"{self.machine.name}: {self.machine.folder} cannot be written", hint=hint)
