"""The table: formatted on a terminal, plain columns in a pipeline."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.figures import Figure

COLUMNS = ("what", "here", "against", "ratio", "wanted", "")


@dataclass(frozen=True)
class Row:
    """One row. `least` or `most` is the ratio's target; without either the row is informational."""

    name: str
    ours: Figure
    theirs: Figure | None = None
    ratio: Figure | None = None
    form: str = ".2f"
    least: float | None = None
    most: float | None = None

    @property
    def passed(self) -> bool | None:
        if self.ratio is None or (self.least is None and self.most is None):
            return None
        return (self.least is None or self.ratio.median >= self.least) and (
            self.most is None or self.ratio.median <= self.most
        )

    def cells(self) -> tuple[str, ...]:
        wanted = f">= {self.least:.2f}" if self.least is not None else f"<= {self.most:.2f}" if self.most else ""
        verdict = {True: "ok", False: "MISSED", None: ""}[self.passed]
        theirs = self.theirs.text(self.form) if self.theirs else ""
        return (
            self.name,
            self.ours.text(self.form),
            theirs,
            self.ratio.text(".2f") if self.ratio else "",
            wanted,
            verdict,
        )


def show(rows: Sequence[Row], notes: Sequence[str]) -> None:
    if sys.stdout.isatty():
        table = Table(*COLUMNS, title="median (least..most of the rounds)")
        for row in rows:
            table.add_row(*row.cells(), style="red" if row.passed is False else None)
        Console().print(table)
    else:
        print(plain(rows))
    for note in notes:
        print(note)


def plain(rows: Sequence[Row]) -> str:
    lines = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
