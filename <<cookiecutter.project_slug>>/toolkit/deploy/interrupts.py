"""Signals during a play: the first one ends it, but not a rollback; a second one ends the process."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from toolkit.exit_codes import SIGNALLED

if TYPE_CHECKING:
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GOES_ON = b"\nRolling back. Press Ctrl-C again to abort.\n"


class Interrupted(BaseException):
    """The play was interrupted by signal `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Signals:
    """Inside `with`, the first signal raises Interrupted, and a second one ends the process at once.

    With `way_back` set the first one only prints a message: half of a release is worse than a second of waiting.
    Python runs no `finally` on SIGTERM by default, and invoke turns Ctrl-C into exit code 1.
    """

    def __init__(self) -> None:
        self.way_back = False
        self._seen = False
        self._kept: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        self._kept = {number: signal.signal(number, self._arrived) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, previous in self._kept.items():
            signal.signal(number, previous)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self._seen:
            os._exit(SIGNALLED + number)
        self._seen = True
        if not self.way_back:
            raise Interrupted(number)
        os.write(2, GOES_ON)  # a print may have been interrupted
