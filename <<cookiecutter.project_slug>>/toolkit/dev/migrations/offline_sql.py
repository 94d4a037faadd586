"""The SQL of revisions, without a database: for `migrate.lint`, `dev` and a deploy's classifier.

`python -m toolkit.dev.migrations.offline_sql REVISION...` prints it as JSON. A revision that reads rows has no SQL;
`unreadable` says why.
"""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from toolkit.dev import service
from toolkit.dev.migrations import environment

PROJECT = Path.cwd()


@dataclass(frozen=True)
class Statement:
    """One statement. `line` is in the revision's file; 0 for the BEGIN and COMMIT around it."""

    sql: str
    line: int


@dataclass(frozen=True)
class Script:
    """SQL of one revision. `unreadable` says why there is no SQL, with the line; `statements` is then incomplete."""

    revision: str
    statements: tuple[Statement, ...]
    unreadable: str = ""

    @property
    def sql(self) -> str:
        return "\n".join(statement.sql for statement in self.statements)


class _Recorder(io.StringIO):
    """Alembic's output, split into statements with their line in the revision's file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = str(path)
        self.statements: list[Statement] = []

    def write(self, text: str, /) -> int:
        if text.strip():
            self.statements.append(Statement(text.strip(), self._line()))
        return len(text)

    def _line(self) -> int:
        frame = sys._getframe()
        while frame is not None and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        return frame.f_lineno if frame else 0


class _NoDatabase:
    """Replacement for `op.get_bind()`: every use of it needs rows, which do not exist here."""

    def __getattr__(self, name: str) -> object:
        raise LookupError("it reads the database")


def script_of(revision: service.Revision) -> Script:
    """Run a revision's `upgrade` so that it writes SQL. Never raises for an error in the revision."""
    recorder = _Recorder(revision.path)
    try:
        with _operations(recorder):
            upgrade: Callable[[], None] = runpy.run_path(str(revision.path))["upgrade"]
            upgrade()
    except Exception as error:
        line = _last_line(error, revision.path)
        why = f"{type(error).__name__}: {error}" if not isinstance(error, LookupError) else str(error.args[0])
        return Script(
            revision.id, tuple(recorder.statements), f"{revision.place}:{line} cannot be written as SQL: {why}"
        )
    return Script(revision.id, tuple(recorder.statements))


@contextlib.contextmanager
def _operations(output: _Recorder) -> Iterator[None]:
    """Set up `op` and `context` as in `alembic upgrade --sql`."""
    from alembic.operations import Operations
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = environment.config(PROJECT)
    with EnvironmentContext(config, ScriptDirectory.from_config(config), as_sql=True) as surroundings:
        surroundings.configure(
            dialect_name="postgresql", literal_binds=True, transaction_per_migration=True, output_buffer=output
        )
        context = surroundings.get_context()
        context.impl.connection = _NoDatabase()  # pyrefly: ignore
        with context.begin_transaction(_per_migration=True), Operations.context(context):
            yield


def _last_line(error: BaseException, path: Path) -> int:
    """Return the line of the revision's file in an error's traceback."""
    line, at = 0, error.__traceback__
    while at is not None:
        line = at.tb_lineno if at.tb_frame.f_code.co_filename == str(path) else line
        at = at.tb_next
    return line


def main(ids: list[str]) -> None:
    known = service.revisions(PROJECT).known
    with contextlib.redirect_stdout(sys.stderr):  # output of the revision itself
        scripts = [asdict(script_of(known[id_])) for id_ in ids]
    print(json.dumps(scripts))


if __name__ == "__main__":
    main(sys.argv[1:])
