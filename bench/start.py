"""Start-up: to the first 200, compared with a bare FastAPI application; to the first page, with the ceiling."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from bench import wire
from bench.figures import Figure, interleaved, ratios
from bench.process import Server, Start
from bench.subjects import Service, token
from bench.table import Row


@dataclass(frozen=True)
class Started:
    healthy: Start
    working: Start
    resident_mib: float


def first_answers(service: Service, rounds: int) -> list[Row]:
    """Measure liveness and the first page: the service reports liveness before it can work."""
    bearer = token()
    kinds = [
        _measure(service.running, wire.page(), bearer),
        _measure(service.bare, wire.HEALTH, bearer),
        _measure(service.ceiling, wire.page(), bearer),
    ]
    for kind in kinds:
        kind()  # compiled files
    ours, bare, ceiling = interleaved(rounds, kinds)
    first = _row("start to first 200 / bare: s", ours, bare, lambda start: start.healthy.seconds, ".2f")
    return [
        replace(first, most=1.3),
        _row("start to first 200 / bare: CPU s", ours, bare, lambda start: start.healthy.cpu_seconds, ".2f"),
        _row("start to first page / ceiling: s", ours, ceiling, lambda start: start.working.seconds, ".2f"),
        _row("start to first page / ceiling: CPU s", ours, ceiling, lambda start: start.working.cpu_seconds, ".2f"),
        _row("memory after that / ceiling: MiB", ours, ceiling, lambda start: start.resident_mib, ".0f"),
    ]


def memory(ours: Server, theirs: Server) -> Row:
    mine, other = ours.resident_mib(), theirs.resident_mib()
    figures = (Figure.of([value]) for value in (mine, other, mine / other))
    return Row("memory after the load / ceiling: MiB", *figures, form=".0f")


def _measure(kind: Callable[[], AbstractContextManager[Server]], path: str, bearer: str) -> Callable[[], Started]:
    def measure() -> Started:
        with kind() as server:
            working = server.wait_for(path, bearer)
            return Started(server.healthy, working, server.resident_mib())

    return measure


def _row(name: str, ours: list[Started], theirs: list[Started], value: Callable[[Started], float], form: str) -> Row:
    mine, other = [value(start) for start in ours], [value(start) for start in theirs]
    return Row(name, Figure.of(mine), Figure.of(other), ratios(mine, other), form)
