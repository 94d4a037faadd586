"""The task `resource.add`: the files of a new resource, and the revision that creates its table."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from toolkit.dev.migrations import new_revision
from toolkit.resources.line import parser
from toolkit.resources.write import generator


@contextlib.contextmanager
def alone(project: Path) -> Iterator[None]:
    """Allow one at a time: a second would read lines, models and revisions that the first is about to change."""
    (project / ".dev").mkdir(exist_ok=True)
    with (project / ".dev" / "resources.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def add(project: Path, line: str, *, check: bool = False) -> None:
    """Write the files of the line, each with its status; with `check`, only show them (exit code 2 on a change).

    Raises SystemExit with every fault of the line, or with the conflicting files.
    """
    with alone(project):
        new_revision.require_one_head(project)  # before writing any file without a possible revision
        try:
            changes = generator.add(line, project, check=check)
        except (parser.ResourceErrors, generator.GeneratorError) as fault:
            raise SystemExit(str(fault)) from None
        for change in changes:
            print(change.diff() if check and change.writes else change)
        if check:
            raise SystemExit(2 if any(change.writes for change in changes) else 0)
        revision = new_revision.new(f"add {line.partition(':')[0].strip()}", project)
    print(f"{'create' if revision else 'ok':<8} {revision.relative_to(project) if revision else 'alembic/versions'}")
    if revision:
        print("Next: python3 tasks.py migrate && python3 tasks.py openapi && python3 tasks.py test")
