"""The steps that turn cookiecutter's output into a service: options, resources, environment, revision, git."""

import shlex
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hooks import bytecode, locks, options

# Seconds for cookiecutter's own part on the slowest machine
SECONDS_OF_WRITING = 60
FORMAT = "python3 tasks.py setup && python3 tasks.py format"

if TYPE_CHECKING:
    from toolkit.dev.setup import Outcome


def run(project: Path, answers: Mapping[str, str]) -> int:
    """Return exit code 0 for a complete service, even if this machine lacks parts; 1 for a fault of the generator."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.path.insert(0, str(project))
    newborn = _is_newborn(project)
    try:
        _finish(project, answers)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if newborn:
            shutil.rmtree(project, ignore_errors=True)
        print("Interrupted; all files removed." if newborn else "Interrupted; `git status` shows what has changed.")
        return 130
    except Exception as fault:
        print(f"The generator failed (a bug in the template): {fault!r}", file=sys.stderr)
        return 1
    return 0


def _is_newborn(project: Path) -> bool:
    """Return True if every file is new: cookiecutter does not report whether the folder existed before."""
    recently = time.time() - SECONDS_OF_WRITING
    return not (project / ".git").exists() and all(path.lstat().st_ctime > recently for path in project.rglob("*"))


def _finish(project: Path, answers: Mapping[str, str]) -> None:
    options.remove_strays(project)
    options.remove_sample(project)
    from toolkit.dev import (
        git_start,  # after removals, only the service's own files are left
        setup,
    )

    # --overwrite-if-exists empties the folders that are copied unrendered; databases are at these revisions.
    with suppress(git_start.Unable):
        git_start.restore(project, "alembic/versions")
    with ThreadPoolExecutor(1) as beside:
        locking = beside.submit(locks.lock, project)  # waits for the network during that time
        setup.say("options", lambda: _options(project, answers))
        instead = {
            "lock": locking.result,
            "environment": lambda: _environment(project),
            "resources": lambda: _resources(project, answers),
        }
        runs = setup.run(project, f"Start {answers['project_slug']}", instead)
    bytecode.keep(project)
    _say_what_is_next(project, runs=runs)


def _say_what_is_next(project: Path, *, runs: bool) -> None:
    then = "python3 tasks.py dev" if runs else "python3 tasks.py setup"
    print(f"\nThe service is in {project}. Next:\n  cd {shlex.quote(str(project))}\n  {then}", flush=True)


def _environment(project: Path) -> "Outcome":
    from toolkit.dev import setup

    outcome = setup.environment(project)
    bytecode.bring(project)
    return outcome


def _options(project: Path, answers: Mapping[str, str]) -> "Outcome":
    from toolkit.dev.setup import Outcome

    options.apply_files(project, answers)
    options.apply_regions(project, answers)
    chosen = " ".join(f"{question}={answers[question]}" for question in ("driver", "auth", "license"))
    return Outcome("changed", chosen)


def _resources(project: Path, answers: Mapping[str, str]) -> "Outcome":
    from toolkit.dev.setup import Outcome
    from toolkit.resources.write import generator, layout

    written = [change for change in generator.add(answers["resources"], project, unformatted=True) if change.writes]
    if layout.find_ruff(project) is None:
        return Outcome("changed", f"{len(written)} files, not formatted because ruff is missing", FORMAT)
    return Outcome("changed", f"{len(written)} files")
