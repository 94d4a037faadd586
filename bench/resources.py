"""`resource.change` on a service of many resources, against the first `resource.add` on a service of one."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure, interleaved, ratios
from bench.table import Row

MANY = 20
LINE = "thing_{0}: name:str(2..100)! price:decimal(10,2)>=0 stock:int>=0=0 note:text? status:enum(new|old)=new"
ADD = ("resource.add", LINE.format(0))
CHANGE = ("resource.change", "thing_10", "+sku:str(..40)?")
MOST = 1.5


def rows(folder: Path, rounds: int) -> list[Row]:
    """Measure both in the service in `folder`, which has one resource and changes."""
    few = _committed(folder)
    _run(folder, "resource.add", "; ".join(LINE.format(number) for number in range(1, MANY)))
    many = _committed(folder)
    _timed(folder, few, ADD)  # fills caches
    changes, additions = interleaved(rounds, [lambda: _timed(folder, many, CHANGE), lambda: _timed(folder, few, ADD)])
    name = f"resource.change, {MANY} resources / first resource.add, s"
    return [Row(name, Figure.of(changes), Figure.of(additions), ratios(changes, additions), most=MOST)]


def _timed(folder: Path, commit: str, task: tuple[str, ...]) -> float:
    """Return the seconds of a task on a commit."""
    _git(folder, "reset", "--hard", "--quiet", commit)
    _git(folder, "clean", "-d", "--force", "--quiet")
    began = time.perf_counter()
    _run(folder, *task)
    return time.perf_counter() - began


def _committed(folder: Path) -> str:
    _git(folder, "add", "--all")
    _git(
        folder,
        "-c",
        "user.name=bench",
        "-c",
        "user.email=bench@localhost",
        "commit",
        "--allow-empty",
        "--quiet",
        "--message=bench",
    )
    return _git(folder, "rev-parse", "HEAD")


def _run(folder: Path, *task: str) -> None:
    done = subprocess.run([sys.executable, "tasks.py", *task], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{task[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "core.hooksPath=/dev/null", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
