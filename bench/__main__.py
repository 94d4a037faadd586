"""`python -m bench`: every measurement, one table. Exit code 1 when a ratio misses its target."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from bench import deploys, generation, resources, speed, start
from bench.subjects import ROWS, Service, service
from bench.table import Row, show

PARTS = ("generation", "resources", "start", "pages", "requests", "deploys")
ALONE = {"resources", "deploys"}  # without the service that the others share


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        scratch = Path(folder)
        rows: list[Row] = []
        absent = ""
        if set(options.only) - ALONE:
            rows += _of_service(scratch, options)
        if "resources" in options.only:
            rows += resources.rows(generation.bake(scratch / "resources").folder, options.rounds)
        if "deploys" in options.only:
            absent = deploys.missing()
            rows += [] if absent else deploys.rows(scratch, options.rounds)
    notes = [f"Skipped: deploys, {absent}"] if absent else []
    show(
        rows,
        [
            *notes,
            _machine(options),
            "A ratio is computed within each round; in rows of us and p99 it is theirs to ours.",
        ],
    )
    return int(any(row.passed is False for row in rows))


def _of_service(scratch: Path, options: argparse.Namespace) -> list[Row]:
    bakes = [generation.bake(scratch / str(n)) for n in range(0 if options.service else max(1, options.bakes + 1))]
    # The first one fills caches, and is measured only when it is the only one.
    rows = generation.rows(bakes[1:] or bakes) if bakes and "generation" in options.only else []
    with service(options.service or bakes[-1].folder, scratch) as made:
        return rows + _measure(made, options)


def _measure(made: Service, options: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    if "start" in options.only:
        rows += start.first_answers(made, options.rounds)
    if not {"pages", "requests"} & set(options.only):
        return rows
    with made.running() as ours, made.ceiling() as ceiling:
        if "pages" in options.only:
            rows += speed.deep_page(ours, ROWS * 9 // 10, options.rounds, options.seconds, options.connections)
        for scenario in speed.scenarios(made) if "requests" in options.only else ():
            rows += speed.against_ceiling(ours, ceiling, scenario, options.rounds, options.seconds, options.connections)
        rows.append(start.memory(ours, ceiling))
    return rows


def _machine(options: argparse.Namespace) -> str:
    return (
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; {options.rounds} rounds of "
        f"{options.seconds} s, {options.connections} connections, one worker, {ROWS} rows; "
        f"load average {os.getloadavg()[0]:.1f} at the end, of which the benchmark itself is about 2"
    )


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each comparison (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="seconds of a load (default %(default)s)")
    parser.add_argument("--connections", type=int, default=8, help="keep-alive connections (default %(default)s)")
    parser.add_argument("--bakes", type=int, default=5, help="bakes measured (default %(default)s)")
    parser.add_argument("--service", type=Path, help="a service of the default answers, baked before")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="only these parts")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
