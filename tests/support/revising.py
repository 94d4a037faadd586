"""Revisions as a test writes and finds them, and the database that they change."""

import asyncio
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncpg

from tests.support.bakery import Bakery

Task = Callable[..., subprocess.CompletedProcess[str]]
ORDER = "order: status:enum(new|paid) amount:decimal(10,2)>0"
REVISION = '''"""{name}"""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = "{down}"


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down_code}
'''


def sql(url: str, statement: str) -> list[tuple[object, ...]]:
    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(run())


def versions(service: Path) -> list[Path]:
    return sorted((service / "alembic" / "versions").glob("*.py"), key=lambda path: path.stat().st_mtime_ns)


def head(service: Path) -> str:
    found = re.search(r'^revision: str = "(\w+)"', versions(service)[-1].read_text(), re.M)
    assert found
    return found[1]


def write(service: Path, name: str, down: str, up: str = "pass", down_code: str = "pass") -> Path:
    path = service / "alembic" / "versions" / f"{name}.py"
    path.write_text(REVISION.format(name=name, down=down, up=up, down_code=down_code))
    return path


def one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The task failed, and all that it says is one line with these words."""
    assert done.returncode not in (0, 2), done.stdout
    said = (done.stdout + done.stderr).strip()
    assert all(word in said for word in words), said
    assert len(said.splitlines()) == 1, said


def styled(bakery: Bakery, service: Path) -> bool:
    """Return True if the revisions pass the service's linter and formatter."""
    ruff = str(service / ".venv" / "bin" / "ruff")
    done = [bakery.run([ruff, *words, "alembic"], cwd=service) for words in (("check",), ("format", "--check"))]
    return all(one.returncode == 0 for one in done)
