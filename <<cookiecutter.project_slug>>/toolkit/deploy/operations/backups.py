"""Functions behind the tasks of backups, each with its exit code; the same on every place."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.interrupts import Interrupted, Signals
from toolkit.deploy.outcomes import Exit, Result, Status, fail
from toolkit.deploy.places.choose import backups_of, open_place, require_accessory
from toolkit.deploy.release.history import record_operation, run_url
from toolkit.deploy.targets import with_target
from toolkit.dev.questions import ask
from toolkit.exit_codes import SIGNALLED

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.places import Place
    from toolkit.deploy.places.backups import Backup, Backups
    from toolkit.deploy.release.state import Target
    from toolkit.deploy.report import Report


def backup(project: Path, name: str, extra: Sequence[str]) -> int:
    """Back up the environment's database, and check the backup."""

    def make(target: Target, backups: Backups) -> int:
        report, began = target.report, time.monotonic()
        report.play(f"backup {name} ({target.place.name})")
        report.progress("backup", "dumping, and restoring it as a check")
        with target.place.lock(run_url()):
            made = backups.make("by hand")
        report.result(Result("backup", Status.CHANGED, time.monotonic() - began, line_of(made)))
        return report.end(Exit.OK)

    return _with_backups(project, name, extra, make)


def listed(project: Path, name: str, extra: Sequence[str], *, as_json: bool) -> int:
    """List the backups, the newest last."""

    def show(target: Target, backups: Backups) -> int:
        found = backups.listed()
        for item in found:
            print(json.dumps(asdict(item)) if as_json else line_of(item))
        if not found and not as_json:
            print(f"No backups of {name} yet: `python3 tasks.py backup {name}` makes one.")
        return Exit.OK

    return _with_backups(project, name, extra, show)


def restore(project: Path, name: str, extra: Sequence[str], number: str, *, yes: str) -> int:
    """Replace the database with a backup, after a confirmation by the environment's name."""

    def put_back(target: Target, backups: Backups) -> int:
        report = target.report
        if not number.isdecimal():
            hint = f"`python3 tasks.py backups {name}` lists them"
            raise fail("INVALID_NUMBER", f"{number!r} is not the number of a backup", hint=hint)
        report.play(f"restore {name} ({target.place.name})")
        with target.place.reading():
            chosen, plan = backups.restoration(int(number))
        report.plan("restore", plan, diff=False)
        report.note(plan.note)
        typed = yes or ask(f"Replace the database? Type {name} to continue: ")
        if typed != name:
            hint = f"type `{name}` at a terminal, or pass --yes {name}"
            raise fail("NOT_CONFIRMED", "the restore was not confirmed: nothing was changed", hint=hint)
        began = time.monotonic()
        report.progress("restore", f"loading backup {chosen.number} beside the database")
        with target.place.lock(run_url()):
            summary = backups.restore(chosen)
            record_operation(target, "restored", f"backup {chosen.number} of {chosen.at}")
        report.result(Result("restore", Status.CHANGED, time.monotonic() - began, summary))
        if chosen.schema:
            command = f"python3 tasks.py deploy {name}"
            report.note(f"the database is at schema {chosen.schema}; if the release has a newer one: `{command}`")
        return report.end(Exit.OK)

    return _with_backups(project, name, extra, put_back)


def line_of(item: Backup) -> str:
    """Return a backup for people. Pure."""
    return f"{item.number}  {item.at}  {size_of(item.size)}  schema {item.schema or 'unknown'}  {item.reason}"


def size_of(size: int) -> str:
    """Return a number of bytes for people. Pure."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size} B"


def _with_backups(project: Path, name: str, extra: Sequence[str], act: Callable[[Target, Backups], int]) -> int:
    """Act on the environment. Ctrl-C and SIGTERM end it with 128 + signal; an unfinished backup does not count."""

    def begin(target: Target) -> int:
        try:
            with Signals(), target.place.explained():
                return act(target, backups_of(target.place, target.environment))
        except Interrupted as interrupt:
            return SIGNALLED + interrupt.number

    def connect(service: str, environment: Environment, shown: Report) -> Place:
        require_accessory(environment)  # before a connection, which would fail for a reason that does not matter
        return open_place(project, service, environment, shown)

    return with_target(project, name, extra, {}, begin, place_of=connect)
