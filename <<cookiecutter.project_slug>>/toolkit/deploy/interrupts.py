"""What Ctrl-C and its like do to a play: the first ends it, but not the way back; a second one ends the process."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GOES_ON = b"\nputting things back first; once more ends that at once\n"


class Interrupted(BaseException):
    """A signal asked for the end; `number` is its."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Signals:
    """Inside of `with`, the first signal raises Interrupted, and a second one ends the process at once.

    With `way_back` set the first one only says so: half of a release is worse than a second of patience.
    Python runs no `finally` on SIGTERM by itself, and invoke turns Ctrl-C into exit code 1.
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
            os._exit(128 + number)
        self._seen = True
        if not self.way_back:
            raise Interrupted(number)
        os.write(2, GOES_ON)  # a print may be what was interrupted
