"""Alembic for the tasks: upgrade the developer's database, join two heads, write a revision by hand.

`python -m toolkit.dev.migrations.upgrade` so that `dev` and the template's hook, which have no SQLAlchemy, can run it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from toolkit.dev import service, subprocesses
from toolkit.dev.migrations import data_loss, environment, new_revision
from toolkit.dev.postgres import choice, files
from toolkit.exit_codes import EX_UNAVAILABLE

PROJECT = Path.cwd()
ALLOW = "--allow-destructive"


def upgrade(project: Path = PROJECT, revision: str = "head", *, allow_destructive: bool = False) -> None:
    """Upgrade the database of the settings, or the embedded one, to a revision.

    Raises SystemExit with one line: for two heads, an invalid revision, or rows that would be lost without a yes.
    """
    from alembic import command

    found = known(project)
    try:
        wanted = found.head if revision == "head" else revision
    except service.RevisionError as error:
        raise SystemExit(f"migrate: {error}.") from None
    with choice.chosen(project) as variables, _environment(variables):
        if not allow_destructive:
            data_loss.confirm(project, found, wanted, ALLOW)
        command.upgrade(environment.config(project), revision)
    print(f"The database is at {wanted or 'the empty schema'}.")


def merge(project: Path = PROJECT) -> Path | None:
    """Write the revision that joins the heads; None when there is only one."""
    from alembic import command

    found = known(project)
    if len(found.heads) < 2:
        return None
    with contextlib.redirect_stdout(sys.stderr):
        written = command.merge(
            environment.config(project), list(found.heads), message=f"merge {' and '.join(found.heads)}"
        )
    return Path(written.path) if written else None


def empty(project: Path, message: str) -> Path:
    """Write a revision without statements on top of the head. Needs no database. Raises SystemExit for two heads."""
    from alembic import command

    new_revision.require_one_head(project)
    with contextlib.redirect_stdout(sys.stderr):
        written = command.revision(environment.config(project), message)
    assert written is not None  # noqa: S101 - for the type checker, as the next
    assert not isinstance(written, list)  # noqa: S101
    return Path(written.path)


def known(project: Path) -> service.Revisions:
    """Return the revisions of the checkout. Raises SystemExit with one line for invalid ones."""
    try:
        return service.revisions(project)
    except service.ServiceError as error:
        raise SystemExit(f"migrate: {error}.") from None


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    kept = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def _initial() -> str:
    try:
        written = new_revision.new("initial")
    except files.Unavailable as why:
        print(why, file=sys.stderr)
        raise SystemExit(EX_UNAVAILABLE) from None
    return str(written.relative_to(PROJECT)) if written else "nothing to migrate"


def main(arguments: list[str]) -> None:
    subprocesses.exit_on_signals()
    if arguments in (["upgrade"], ["upgrade", ALLOW]):
        upgrade(allow_destructive=ALLOW in arguments)
    elif arguments == ["initial"]:
        print(_initial())
    else:
        raise SystemExit(f"usage: python -m toolkit.dev.migrations.upgrade upgrade [{ALLOW}]|initial")


if __name__ == "__main__":
    main(sys.argv[1:])
