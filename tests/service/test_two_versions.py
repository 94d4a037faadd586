"""A roll-out: the old and the new version serve the same 1 000 000 rows, while the revisions of a change run.

The control is what Alembic's autogenerate writes for the same change: requests fail or wait for a lock, or the
migration fails.
"""

import itertools
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import two_versions
from tests.support.bakery import Bakery
from tests.support.revising import sql, versions
from tests.support.serving import Serving, python
from tests.support.table_changes import (
    CASES,
    FILL,
    ITEM,
    ITEMS,
    LINES,
    MAKERS,
    OWNED_FILL,
    OWNED_LINES,
    OWNER_CASES,
    Body,
    Case,
)
from tests.support.two_versions import LOCK_SECONDS, Seen, Version, call
from toolkit.dev.postgres import run as postgres

pytestmark = pytest.mark.alone  # serves under load

NOTICED_SECONDS = 0.5  # for requests that take 0.02 s
numbers = itertools.count(1)


@dataclass(frozen=True)
class Stock:
    """A service with many rows, on a server where each test gets a copy of the database."""

    bakery: Bakery
    service: Path
    server: str

    def environment(self, name: str) -> dict[str, str]:
        """Return the variables of a service on the database of that name."""
        url = re.sub(r"(//[^/]+/)[^?]*", rf"\g<1>{name}", self.server)
        return {**self.bakery.environment, "ENVIRONMENT": "test", "DATABASE_URL": url, "POOL_TIMEOUT_SECONDS": "60"}

    def copy(self, name: str) -> dict[str, str]:
        sql(self.server, f"CREATE DATABASE {name} TEMPLATE stock STRATEGY file_copy")
        return self.environment(name)

    def drop(self, name: str) -> None:
        sql(self.server, f"DROP DATABASE {name} WITH (FORCE)")

    def task(self, service: Path, folder: Path, *words: str) -> Path:
        """Return a copy of a service in which a task has run."""
        self.bakery.copy(service, folder)
        done = self.bakery.run([sys.executable, "tasks.py", *words], cwd=folder, env=self.bakery.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return folder


@pytest.fixture(scope="module")
def stock(bakery: Bakery) -> Iterator[Stock]:
    with stocked(bakery, "none", LINES, FILL) as made:
        yield made


@contextmanager
def stocked(bakery: Bakery, auth: str, lines: str, fill: Sequence[str]) -> Iterator[Stock]:
    service = bakery.bake(project_name="Shop", auth=auth, ci="none", resources=lines)
    with postgres.scratch() as server:
        made = Stock(bakery, service, server)
        sql(server, "CREATE DATABASE stock")
        environment = made.environment("stock")
        migrated = python(service, "-m", "alembic", "upgrade", "head", env=environment)
        assert migrated.returncode == 0, migrated.stderr
        for statement in fill:
            sql(environment["DATABASE_URL"], statement)
        yield made


@pytest.mark.drill(minutes=5)
@pytest.mark.parametrize("name", CASES)
def test_both_versions_serve_while_the_revisions_run(stock: Stock, tmp_path: Path, name: str) -> None:
    require_both_serve(stock, tmp_path, name, CASES[name])


@pytest.mark.drill(minutes=6)
@pytest.mark.parametrize("name", OWNER_CASES)
def test_both_versions_serve_while_an_owner_comes_or_goes(bakery: Bakery, tmp_path: Path, name: str) -> None:
    lines, fill = (LINES, FILL) if name == "owner comes" else (OWNED_LINES, OWNED_FILL)
    with stocked(bakery, "jwt", lines, fill) as stock:
        require_both_serve(stock, tmp_path, name, OWNER_CASES[name])


def require_both_serve(stock: Stock, tmp_path: Path, name: str, case: Case) -> None:
    changed = stock.task(stock.service, tmp_path / "shop", *case.task)
    old, new = version(stock.service, ITEMS, case.old), version(changed, case.new_path, case.new)

    database = stock.copy("ours")
    meet = see_makers if case.new_path == MAKERS else see_each_other
    expand = two_versions.roll_out(old, new, database, tmp_path / "expand", lambda *both: meet(case, *both))
    require_unnoticed(f"{name}, expand", expand)

    if case.contract:
        contracted = stock.task(changed, tmp_path / "contracted" / "shop", "migrate.contract")
        if case.corrected:
            sql(database["DATABASE_URL"], case.corrected)
        newest = version(contracted, case.new_path, case.new)
        require_unnoticed(f"{name}, contract", two_versions.roll_out(new, newest, database, tmp_path / "contract"))
        early = two_versions.roll_out(old, newest, stock.copy("early"), tmp_path / "early")
        print(f"{name}, contract under the old version: {early}")
        assert early.failures or early.migration.returncode
        stock.drop("early")
    stock.drop("ours")

    if case.control:
        write_plain(changed, case.control)
        plain = two_versions.roll_out(old, new, stock.copy("plain"), tmp_path / "plain")
        stock.drop("plain")
        print(f"{name}, control: {plain}")
        if case.locks:
            assert plain.waited > NOTICED_SECONDS > expand.waited
        else:
            assert plain.failures or plain.migration.returncode


def require_unnoticed(what: str, seen: Seen) -> None:
    """Require a revision of which no client of either version has noticed anything."""
    print(f"{what}: {seen}")
    assert seen.migration.returncode == 0, seen.migration.stderr
    assert not seen.failures
    assert seen.waited < LOCK_SECONDS


def version(service: Path, path: str, extra: Body) -> Version:
    return Version(service, lambda: body(extra), path)


def body(extra: Body) -> dict[str, object]:
    return {"name": f"Made {next(numbers)}", **extra}


def see_each_other(case: Case, old: Serving, new: Serving) -> None:
    """Require of a row made by one version and changed by the other to have the values of both, for both."""
    ours = call(old, "POST", ITEMS, body(case.old))
    there, here = f"{case.new_path}/{ours['id']}", f"{ITEMS}/{ours['id']}"
    seen = call(new, "GET", there)
    assert seen["name"] == ours["name"]
    assert {member: seen[renamed] for member, renamed in case.same.items()} == {
        member: ours[member] for member in case.same
    }
    call(new, "PATCH", there, {**case.new, "name": "renamed"})
    theirs = call(old, "PATCH", here, {"amount": "7.00"})  # leaves alone what it does not know
    assert theirs["name"] == "renamed"
    seen = call(new, "GET", there)
    assert seen["amount"] == "7.00"
    added = {member: value for member, value in case.new.items() if member != "amount"}
    assert {member: seen[member] for member in added} == added
    assert all(theirs[member] == seen[renamed] for member, renamed in case.same.items())
    made = call(new, "POST", case.new_path, body(case.new))
    found = call(old, "GET", f"{ITEMS}/{made['id']}")
    assert found["name"] == made["name"]
    assert all(found[member] == made[renamed] for member, renamed in case.same.items())


def see_makers(case: Case, old: Serving, new: Serving) -> None:
    """Require both versions to see the rows of the resource that stays; the old one still has the removed one."""
    for one, other in ((old, new), (new, old)):
        made = call(one, "POST", MAKERS, body({}))
        assert call(other, "GET", f"{MAKERS}/{made['id']}") == made
    assert call(old, "POST", ITEMS, body(ITEM))["name"]


def write_plain(service: Path, statements: Sequence[str]) -> None:
    """Replace the statements of the newest revision by these, in one transaction."""
    path = versions(service)[-1]
    ours = path.read_text()
    executed = "".join(f"    op.execute({json.dumps(statement)})\n" for statement in statements)
    path.write_text(ours[: ours.index("def upgrade()")] + f"def upgrade() -> None:\n{executed}")
