"""Start-up: from the command to the first 200, against a bare FastAPI application and the ceiling."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from bench.figures import Figure, interleaved, ratios
from bench.process import Server
from bench.subjects import Service
from bench.table import Row


@dataclass(frozen=True)
class Start:
    seconds: float
    cpu_seconds: float
    resident_mib: float


def first_200(service: Service, rounds: int) -> list[Row]:
    for kind in (service.running, service.bare):
        _measure(kind)()  # compiled files
    ours, bare = interleaved(rounds, [_measure(service.running), _measure(service.bare)])
    values: list[tuple[str, Callable[[Start], float], str]] = [
        ("start to first 200 / bare: s", lambda start: start.seconds, ".2f"),
        ("start to first 200 / bare: CPU s", lambda start: start.cpu_seconds, ".2f"),
        ("memory after start / bare: MiB", lambda start: start.resident_mib, ".0f"),
    ]
    rows = []
    for name, value, form in values:
        mine, theirs = [value(start) for start in ours], [value(start) for start in bare]
        rows.append(Row(name, Figure.of(mine), Figure.of(theirs), ratios(mine, theirs), form))
    return [replace(rows[0], most=1.3), *rows[1:]]


def _measure(kind: Callable[[], AbstractContextManager[Server]]) -> Callable[[], Start]:
    def measure() -> Start:
        with kind() as server:
            return Start(server.start_seconds, server.start_cpu_seconds, server.resident_mib())

    return measure


def memory(name: str, ours: float, theirs: float) -> Row:
    mine, other, ratio = (Figure.of([value]) for value in (ours, theirs, ours / theirs))
    return Row(f"memory {name}: MiB", mine, other, ratio, ".0f")
