"""Totals of the pytest runs that make up one test run, and its last line in pytest's format."""

import json
import os
from collections import Counter
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = "TEST_TOTALS"  # the variable with the folder into which each pytest run writes its part
KINDS = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "error")


@dataclass
class Totals:
    """`counts` by outcome, and the node ids of drills that were left out for lack of time."""

    counts: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)

    def line(self, seconds: float) -> str:
        """Return the last line of pytest: `==== 1 failed, 2 passed in 3.00s ====`."""
        named = [f"{self.counts[kind]} {kind}" for kind in KINDS if self.counts[kind]]
        minutes, rest = divmod(int(seconds), 60)
        clock = f" ({minutes // 60}:{minutes % 60:02}:{rest:02})" if minutes else ""
        return f" {', '.join(named) or 'no tests ran'} in {seconds:.2f}s{clock} ".center(80, "=")


def take(environment: MutableMapping[str, str]) -> Path | None:
    """Return this run's folder; a pytest that a test starts does not inherit it, so its results are not counted."""
    folder = environment.pop(FOLDER, "")
    return Path(folder) if folder else None


def write(folder: Path, counts: Counter[str], left_out: Iterable[str]) -> None:
    """Write this process's part."""
    part = {"counts": dict(counts), "left_out": list(left_out)}
    (folder / f"{os.getpid()}.json").write_text(json.dumps(part))


def read(folder: Path) -> Totals:
    totals = Totals()
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
        part = json.loads(path.read_text())
        totals.counts.update(part["counts"])
        totals.left_out += part["left_out"]
    return totals
