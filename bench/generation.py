"""Generation: a whole bake, and the share of each step, from the hook's output."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure
from bench.subjects import BENCH
from bench.table import Row

# "changed  revision     alembic/versions/...  (0.9 s)"
_STEP = re.compile(r"^(?:ok|changed|skipped)\s+(\w+)\s.*\(([\d.]+) s\)$", re.MULTILINE)


@dataclass(frozen=True)
class Bake:
    folder: Path
    seconds: float
    steps: dict[str, float]


def bake(into: Path, **answers: str) -> Bake:
    """Bake a service with the default answers, except those given. Raises RuntimeError with cookiecutter's output."""
    command = [
        sys.executable,
        "-m",
        "cookiecutter",
        "--no-input",
        "--default-config",
        str(BENCH.parent),
        "--output-dir",
        str(into),
        *(f"{name}={answer}" for name, answer in answers.items()),
    ]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"The bake failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    folder = next(path for path in into.iterdir() if path.is_dir())
    return Bake(folder, seconds, steps_of(done.stdout))


def steps_of(printed: str) -> dict[str, float]:
    """Return the seconds of each step, from the hook's lines."""
    return {name: float(taken) for name, taken in _STEP.findall(printed)}


def rows(bakes: Sequence[Bake]) -> list[Row]:
    """Return the total, and each step with its share. Steps run concurrently: the shares need not add up."""
    whole = Row("bake: s", Figure.of([entry.seconds for entry in bakes]))
    return [whole, *(_step(name, bakes) for name in bakes[0].steps)]


def _step(name: str, bakes: Sequence[Bake]) -> Row:
    taken = [entry.steps.get(name, 0.0) for entry in bakes]
    share = [seconds / entry.seconds for seconds, entry in zip(taken, bakes, strict=True)]
    return Row(f"  of which {name}", Figure.of(taken), ratio=Figure.of(share))
