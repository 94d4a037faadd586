"""Runs a command on a schedule. A container on a machine runs this text with the image's Python: no other imports.

A run that has begun is left to its end: SIGTERM ends the schedule alone. Each run is followed by its outcome.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

UTC = dt.UTC
MARK = "deploy-run "  # begins the line with the outcome of a run
NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("weekday", 0, 7, WEEKDAYS),
)
LONGEST_DAYS = 8 * 366 + 1  # 29 February is missing for eight years around 2100


@dataclass(frozen=True)
class Schedule:
    """Five fields of crontab(5). `either`: a day matches by its number or its weekday, if both are restricted."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0: Sunday
    either: bool

    def has(self, day: dt.date) -> bool:
        number, weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (number or weekday if self.either else number and weekday)

    def after(self, moment: dt.datetime) -> dt.datetime:
        """Return the next time of a run. Raises ValueError for a schedule without any, such as 30 February."""
        for offset in range(LONGEST_DAYS):
            day = moment.date() + dt.timedelta(days=offset)
            for hour, minute in self._times() if self.has(day) else ():
                found = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=dt.UTC)
                if found > moment:
                    return found
        raise ValueError("it has no day")

    def _times(self) -> Iterator[tuple[int, int]]:
        return ((hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes))


def parse(text: str) -> Schedule:
    """Raises ValueError with the field."""
    fields = NAMED.get(text.strip(), text).split()
    if len(fields) != len(FIELDS):
        raise ValueError(f"{len(fields)} fields instead of five")
    minutes, hours, days, months, weekdays = (
        _field(given, *known) for given, known in zip(fields, FIELDS, strict=True)
    )
    either = not (fields[2].startswith("*") or fields[4].startswith("*"))
    return Schedule(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either)


def _field(text: str, what: str, low: int, high: int, names: Sequence[str]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        if step and not (step.isdecimal() and int(step)):
            raise ValueError(f"{what} {part!r}: {step!r} is not a step")
        first, dash, last = ("*", "", "") if span == "*" else span.partition("-")
        begin = low if first == "*" else _number(first, what, low, high, names)
        end = _number(last, what, low, high, names) if dash else high if first == "*" or step else begin
        if end < begin:
            raise ValueError(f"{what} {part!r}: {end} is before {begin}")
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, what: str, low: int, high: int, names: Sequence[str]) -> int:
    if text in names:
        return names.index(text) + low
    if not (text.isdecimal() and low <= int(text) <= high):
        raise ValueError(f"{what} {text!r} is not a number from {low} to {high}")
    return int(text)


def outcomes(lines: Sequence[str]) -> list[dict[str, object]]:
    """Return the outcomes in a log, the oldest first: `at`, `exit` and `last`, the last line of the output. Pure."""
    found = []
    for line in lines:
        if line.startswith(MARK):
            try:
                found.append(json.loads(line.removeprefix(MARK)))
            except ValueError:
                continue
    return found


def command(schedule: str, limit: int, last: str, given: Sequence[str]) -> list[str]:
    """Return the command of a container. `last`: the outcome of the run before, of another container, as JSON."""
    return ["python", "-c", Path(__file__).read_text(encoding="utf-8"), schedule, str(limit), last, *given]


def run(given: Sequence[str], limit: float) -> None:
    """Run the command once, pass its output on, and print its outcome."""
    try:
        child = subprocess.Popen(  # noqa: S603 - the command of the inventory, never a shell
            given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, text=True, errors="replace"
        )
        with child:
            code, last = followed(child, limit)
    except OSError as error:
        code, last = 127, str(error)
    at = dt.datetime.now(UTC).isoformat(timespec="seconds")
    print(MARK + json.dumps({"at": at, "exit": code if code >= 0 else 128 - code, "last": last}), flush=True)


def followed(child: subprocess.Popen[str], limit: float) -> tuple[int, str]:
    """Print the output of a command to its end. Returns its exit code and its last line; 124 after the limit."""
    last, late = "", threading.Event()

    def end() -> None:
        late.set()
        os.killpg(child.pid, signal.SIGKILL)

    timer = threading.Timer(limit, end)
    timer.start()
    for line in child.stdout or ():
        print(line, end="", flush=True)
        last = line.strip()[:200] or last
    code = child.wait()
    timer.cancel()
    return (124, f"not ended within {limit:.0f} s") if late.is_set() else (code, last)


def main(text: str, limit: str, last: str, given: Sequence[str]) -> None:
    schedule, stopped = parse(text), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    if last:
        print(MARK + last, flush=True)
    while not stopped.is_set():
        due = schedule.after(dt.datetime.now(dt.UTC))
        # In short waits: the clock may be set, and a machine may sleep.
        while not stopped.is_set() and dt.datetime.now(dt.UTC) < due:
            stopped.wait(0.5)
        if not stopped.is_set():
            run(given, float(limit))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
