"""Time budget of the drills: minutes on a normal machine, more on a slower one, with an upper limit."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

NORMAL_SECONDS = 0.2  # seconds for one run of `_work` on each of the two cores of a normal machine
TURNS = 5
CAP_MINUTES = 70  # pipelines end a job after a fixed time, however slow the machine is


@dataclass(frozen=True)
class Budget:
    """A run that began at `began` (Unix seconds) may start tests until `deadline`.

    `slowness` is the time that this machine takes, divided by that of a normal one, at least 1.
    """

    began: float
    minutes: float
    slowness: float

    @property
    def deadline(self) -> float:
        """Return the deadline in Unix seconds."""
        return self.began + 60 * min(self.minutes * self.slowness, max(CAP_MINUTES, self.minutes))

    def left(self, now: float) -> float:
        """Return the remaining minutes, 0 when the time is used up."""
        return max(0.0, (self.deadline - now) / 60)

    def __str__(self) -> str:
        total = (self.deadline - self.began) / 60
        return f"time budget: {total:.0f} minutes (this machine takes {self.slowness:.1f} x the time of a normal one)"


def measure(began: float, minutes: float) -> Budget:
    """Measure this machine for about a second, and return the budget of a run that began then."""
    return Budget(began, minutes, slowness(_seconds_of_each_core()))


def slowness(seconds: list[float]) -> float:
    """Return the factor by which a machine with these times is slower than a normal one; at least 1."""
    return max(1.0, statistics.median(seconds) / NORMAL_SECONDS)


def _seconds_of_each_core() -> list[float]:
    """Return the seconds of every run, with all cores busy, as under the tests."""
    command = [sys.executable, __file__]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count() or 1)]
    return [float(line) for child in children for line in child.communicate()[0].splitlines()]


def _timed() -> float:
    began = time.perf_counter()
    _work()
    return time.perf_counter() - began


def _work() -> int:
    """Use interpreter, memory and dictionaries, as most tests do."""
    table: dict[str, int] = {}
    for number in range(1_000_000):
        name = str(number * 7919 % 10_007)
        table[name] = table.get(name, 0) + number
    return len(table)


if __name__ == "__main__":
    for _ in range(TURNS):
        print(_timed())
