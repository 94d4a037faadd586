"""Figures of several rounds: median and spread."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """A median with the minimum and maximum of the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        return cls(statistics.median(values), min(values), max(values))

    def text(self, form: str) -> str:
        return f"{self.median:{form}} ({self.least:{form}}..{self.most:{form}})"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """Compare round by round: the two halves of a round ran in sequence, under the same noise."""
    return Figure.of([a / b for a, b in zip(ours, theirs, strict=True)])


def interleaved(rounds: int, measures: Sequence[Callable[[], T]]) -> list[list[T]]:
    """Measure A B A B ...: each round takes every measurement once, every other round in reverse."""
    results: list[list[T]] = [[] for _ in measures]
    for number in range(rounds):
        order = list(enumerate(measures))
        for index, measure in order if number % 2 == 0 else reversed(order):
            results[index].append(measure())
    return results
