"""The environment of a task with its place opened; failures become a page and an exit code."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import report
from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.variables import near_misses
from toolkit.deploy.outcomes import Failed

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.places import Place
    from toolkit.deploy.release.state import Target


def note_near_misses(shown: report.Report) -> None:
    for warning in near_misses():
        shown.note(warning)


def with_target(
    project: Path,
    name: str,
    extra: Sequence[str],
    flags: Mapping[str, bool],
    run: Callable[[Target], int],
    *,
    as_json: bool = False,
    page: str = "",
    beside: Callable[[Environment], AbstractContextManager[None]] = lambda _: nullcontext(),
    place_of: Callable[[str, Environment, report.Report], Place] | None = None,
    living: bool = True,
    judges: bool = False,
) -> int:
    """`beside`: work that runs in parallel from before the first request to the cluster until it is no longer needed.

    `living`: refused in a namespace that is being deleted, where every other finding would be misleading.
    `judges`: the service's check of its settings is needed, so it starts first.
    """
    from toolkit.deploy.places.choose import open_place
    from toolkit.deploy.release.settings import Check
    from toolkit.deploy.release.state import Options, Target
    from toolkit.deploy.release.traffic import Traffic

    def connected() -> int:
        note_near_misses(shown)
        environment = load.load(project, name, extra)
        service = load.facts(project).name
        with ExitStack() as ahead, closing(Check(project)) as check:
            if judges:
                check.begin()
            ahead.enter_context(beside(environment))
            options, variables = Options(**flags), dict(os.environ)
            if place_of:
                place = place_of(service, environment, shown)
            else:
                place = open_place(project, service, environment, shown, correct_drift=options.correct_drift)
            if living:
                place.refuse_ending()
            if page:
                shown.traffic = Traffic(place, shown)
            return run(Target(project, service, environment, place, shown, check, options, variables, ahead=ahead))

    shown = report.make(as_json=as_json, page=page)
    return guarded(connected, shown)


def guarded(run: Callable[[], int], shown: report.Report | None = None) -> int:
    """Turn a Failed into its failure page and exit code; a user's mistake never shows a traceback."""
    from toolkit.deploy.places import choose

    try:
        with choose.explained():
            return run()
    except Failed as error:
        (shown or report.make()).failure(error.failure)
        return int(error.exit)
    finally:
        if shown:
            shown.close()
