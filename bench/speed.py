"""Requests: the service compared with the ceiling, and a deep page with the first."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from bench import wire
from bench.figures import Figure, interleaved, ratios
from bench.load import HOST, Load, Result
from bench.process import OTHER_CORES, Server
from bench.subjects import BENCH, Service, token
from bench.table import Row

# Pages are walked in the largest steps that the API allows.
STEP = 100


@dataclass(frozen=True)
class Round:
    """One load, with its cost for the server."""

    result: Result
    cpu_microseconds: float


@dataclass(frozen=True)
class Scenario:
    name: str
    requests: Sequence[str]
    least: float | None = None
    status: int = 200


def scenarios(service: Service) -> list[Scenario]:
    """Return the scenarios; the one that creates rows comes last."""
    bearer = token()
    return [
        Scenario("health", [wire.request("GET", "/health")]),
        Scenario("get one", [wire.request("GET", f"{wire.PRODUCTS}/{id}", bearer) for id in service.ids], 0.80),
        Scenario("list of 50", [wire.request("GET", wire.page(), bearer)], 0.95),
        Scenario("create", [wire.request("POST", wire.PRODUCTS, bearer, wire.PRODUCT)], 0.85, 201),
    ]


def against_ceiling(
    ours: Server, ceiling: Server, scenario: Scenario, rounds: int, seconds: float, connections: int
) -> list[Row]:
    """Return three rows: requests per second, processor time of the server per request, p99."""
    loads = [Load(server.port, scenario.requests, scenario.status, connections, seconds) for server in (ours, ceiling)]
    mine, theirs = _rounds([(ours, loads[0]), (ceiling, loads[1])], rounds)
    speed = _row(f"{scenario.name}: requests/s", mine, theirs, lambda r: r.result.rate, ".0f")
    cpu = _row(f"{scenario.name}: server CPU us", mine, theirs, lambda r: r.cpu_microseconds, ".0f")
    p99 = _row(f"{scenario.name}: p99 ms", mine, theirs, lambda r: r.result.p99, ".2f")
    # A ratio above one is good in all three.
    return [
        replace(speed, least=scenario.least),
        replace(
            cpu, ratio=ratios(_all(theirs, lambda r: r.cpu_microseconds), _all(mine, lambda r: r.cpu_microseconds))
        ),
        replace(p99, ratio=ratios(_all(theirs, lambda r: r.result.p99), _all(mine, lambda r: r.result.p99))),
    ]


def deep_page(server: Server, depth: int, rounds: int, seconds: float, connections: int) -> list[Row]:
    """Compare a page after `depth` rows with the first, by median latency."""
    bearer = token()
    cursor = _deep_cursor(server, bearer, depth)
    loads = [
        Load(server.port, [wire.request("GET", path, bearer)], 200, connections, seconds)
        for path in (wire.page(cursor), wire.page())
    ]
    deep, first = _rounds([(server, load) for load in loads], rounds)
    row = _row(f"page after {depth} rows / first: ms", deep, first, lambda r: r.result.median, ".2f")
    cpu = _row(f"page after {depth} rows / first: server CPU us", deep, first, lambda r: r.cpu_microseconds, ".0f")
    return [replace(row, most=1.1), cpu]


def _deep_cursor(server: Server, token: str, rows: int) -> str:
    """Return the cursor of the page after `rows` rows, as a client finds it: by following `next`."""
    cursor = ""
    for _ in range(rows // STEP):
        asked = urllib.request.Request(f"http://{HOST}:{server.port}{wire.page(cursor, STEP)}")
        asked.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            cursor = json.load(answer)["next"]
    return cursor


def _rounds(pairs: Sequence[tuple[Server, Load]], rounds: int) -> list[list[Round]]:
    for server, load in pairs:
        _once(server, replace(load, seconds=load.seconds / 2))  # prepared statements, caches, connections
    return interleaved(rounds, [_measure(server, load) for server, load in pairs])


def _measure(server: Server, load: Load) -> Callable[[], Round]:
    return lambda: _once(server, load)


def _once(server: Server, load: Load) -> Round:
    before = server.cpu_seconds()
    command = ["taskset", "-c", ",".join(map(str, OTHER_CORES)), sys.executable, "-m", "bench.load"]
    done = subprocess.run(
        command, cwd=BENCH.parent, input=json.dumps(asdict(load)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"The load on port {load.port} failed:\n{done.stderr[-2000:]}")
    result = Result(**json.loads(done.stdout))
    if result.unexpected:
        raise RuntimeError(
            f"{result.unexpected} of {result.requests} responses were not {load.status}; see {server.log}"
        )
    return Round(result, (server.cpu_seconds() - before) / result.requests * 1e6)


def _all(rounds: Sequence[Round], value: Callable[[Round], float]) -> list[float]:
    return [value(entry) for entry in rounds]


def _row(name: str, ours: Sequence[Round], theirs: Sequence[Round], value: Callable[[Round], float], form: str) -> Row:
    mine, other = _all(ours, value), _all(theirs, value)
    return Row(name, Figure.of(mine), Figure.of(other), ratios(mine, other), form)
