"""The play on a terminal."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

from toolkit.deploy.outcomes import Status
from toolkit.deploy.report import Plain, lines_of

COLOURS = {
    Status.OK: 32,
    Status.CHANGED: 33,
    Status.SKIPPED: 36,
    Status.FAILED: 31,
    Status.RESCUED: 35,
    Status.UNREACHABLE: 31,
}


class Terminal(Plain):
    """Coloured lines; the last one shows the current step and its seconds, and is redrawn."""

    def __init__(self, out: TextIO, tick: float = 1.0) -> None:
        super().__init__(out)
        self._tick = tick
        self._lock = threading.RLock()
        self._idle = threading.Event()
        self._clock: threading.Thread | None = None
        self._began, self._step, self._text = 0.0, "", ""

    def show(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind in ("instance", "requests"):  # the progress of its step says enough
            return
        with self._lock:
            if kind in ("start", "progress"):
                self._began = time.monotonic() if kind == "start" else self._began
                self._step, self._text = data["step"], data.get("text", "")
                self._draw()
                self._run_clock()
                return
            self._erase()
            colour = COLOURS.get(data["status"], 0) if kind == "result" else (31 if kind == "failure" else 0)
            for number, line in enumerate(lines_of(kind, data)):
                self.line(f"\x1b[{colour}m{line}\x1b[0m" if colour and not number else line)
            if kind == "note" and self._step:
                self._draw()
            elif kind != "note":
                self._step = ""

    def close(self) -> None:
        """Stop the clock and remove its line, for any outcome of the play."""
        self._idle.set()
        if self._clock:
            self._clock.join()
        if self._step:
            self._step = ""
            self._erase()
            self.out.flush()

    def _run_clock(self) -> None:
        if self._clock is None and not self._idle.is_set():
            self._clock = threading.Thread(target=self._redraw, daemon=True)
            self._clock.start()

    def _redraw(self) -> None:
        with suppress(OSError, ValueError):  # the terminal was closed
            while not self._idle.wait(self._tick):
                with self._lock:
                    if self._step:
                        self._draw()

    def _draw(self) -> None:
        width = os.get_terminal_size(self.out.fileno()).columns
        shown = f"  {self._step:<11} {time.monotonic() - self._began:4.0f} s  {self._text}"
        self.out.write(f"\r\x1b[K{shown[: width - 1]}")
        self.out.flush()

    def _erase(self) -> None:
        self.out.write("\r\x1b[K")
