"""A roll-out: the old and the new version serve the same rows, while the revision of a change runs.

The control is what Alembic's autogenerate writes for the same change: it breaks requests, or locks for longer.
"""

import itertools
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support import two_versions
from tests.support.bakery import Bakery
from tests.support.revising import sql, versions
from tests.support.serving import Serving, python
from tests.support.two_versions import LOCK_SECONDS, PATH, Version, call
from toolkit.dev.postgres import run as postgres

pytestmark = pytest.mark.alone  # serves under load

ROWS = 1_000_000
LINES = (
    "maker: name:str(1..40); item: name:str(1..40) note:str(..20)? amount:decimal(10,2)>0 status:enum(new|paid)=new "
    "code:str(..20)?"
)
FILL = """
INSERT INTO items (id, name, note, amount, status, code)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'Item ' || n, 'note', 1, 'new', 'c' || n FROM generate_series(1, %s) AS n
"""
numbers = itertools.count(ROWS)


@dataclass(frozen=True)
class Case:
    """`change` is what `resource.change item` gets, `control` the statements of the plain revision.

    `old` and `new`: what the clients of each version send beside the name and the amount. `same`: members of the old
    version and what the new one calls them. `breaks`: the control fails requests, or the migration itself; otherwise it
    only makes them wait for a lock for longer.
    """

    change: str
    old: Mapping[str, object] = field(default_factory=dict)
    new: Mapping[str, object] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)
    control: Sequence[str] = ()
    breaks: bool = False
    options: Sequence[str] = ()


CASES = {
    "add": Case("+colour:str(..20)? +stock:int>=0=0", new={"colour": "red", "stock": 3}),
    "widen": Case(
        "status:enum(+refunded) note:str(..60)? amount:decimal(12,2)>0",
        old={"note": "short", "status": "paid"},
        new={"note": "a note that is longer than before", "status": "refunded"},
        same={"note": "note", "status": "status"},
        control=("ALTER TABLE items ALTER note TYPE varchar(60)", "ALTER TABLE items ALTER amount TYPE numeric(12,2)"),
        breaks=True,  # it does not see the CHECK of the status
    ),
    "index": Case("+index(note, amount)", control=("CREATE INDEX plain ON items (note, amount)",)),
    "unique": Case("+unique(name, code)", control=("ALTER TABLE items ADD CONSTRAINT plain UNIQUE (name, code)",)),
    "reference": Case(
        "+maker:ref(maker)?",
        control=(
            "ALTER TABLE items ADD COLUMN maker_id uuid",
            "ALTER TABLE items ADD CONSTRAINT plain FOREIGN KEY (maker_id) REFERENCES makers (id)",
            "CREATE INDEX plain_maker ON items (maker_id, id)",
        ),
    ),
    "rename": Case(
        "note->remark",
        old={"note": "by the old one"},
        new={"remark": "by the new one"},
        same={"note": "remark"},
        control=("ALTER TABLE items RENAME note TO remark",),
        breaks=True,
    ),
    "required": Case(
        "+size:int>=0",
        new={"size": 3},
        control=("ALTER TABLE items ADD COLUMN size integer NOT NULL",),
        breaks=True,
        options=("--backfill", "size=0"),
    ),
}


@dataclass(frozen=True)
class Stock:
    """A service with many rows, on a server where each test gets a copy of the database."""

    bakery: Bakery
    service: Path
    server: str

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a service on the database of that name."""
        url = re.sub(r"(//[^/]+/)[^?]*", rf"\g<1>{name}", self.server)
        return {**self.bakery.environment, "ENVIRONMENT": "test", "DATABASE_URL": url, "POOL_TIMEOUT_SECONDS": "60"}

    def copy(self, name: str) -> dict[str, str]:
        sql(self.server, f"CREATE DATABASE {name} TEMPLATE stock STRATEGY file_copy")
        return self.environment(name)


@pytest.fixture(scope="module")
def stock(bakery: Bakery) -> Iterator[Stock]:
    service = bakery.bake(project_name="Shop", auth="none", ci="none", resources=LINES)
    with postgres.scratch() as server:
        made = Stock(bakery, service, server)
        sql(server, "CREATE DATABASE stock")
        environment = made.environment("stock")
        migrated = python(service, "-m", "alembic", "upgrade", "head", env=environment)
        assert migrated.returncode == 0, migrated.stderr
        sql(environment["DATABASE_URL"], FILL % ROWS)
        sql(environment["DATABASE_URL"], "VACUUM ANALYZE items")
        yield made


@pytest.mark.drill(minutes=4)
@pytest.mark.parametrize("name", CASES)
def test_both_versions_serve_while_the_revision_runs(stock: Stock, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    changed = tmp_path / "shop"
    stock.bakery.copy(stock.service, changed)
    task = [sys.executable, "tasks.py", "resource.change", "item", case.change, *case.options]
    done = stock.bakery.run(task, cwd=changed, env=stock.bakery.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    old, new = (
        Version(service, lambda extra=extra: body(extra))
        for service, extra in ((stock.service, case.old), (changed, case.new))
    )

    seen = two_versions.roll_out(
        old, new, stock.copy(f"{name}_ours"), tmp_path / "ours", lambda *both: see_each_other(case, *both)
    )
    print(f"{name}: {seen}")
    assert seen.migration.returncode == 0, seen.migration.stderr
    assert not seen.failures
    assert seen.waited < LOCK_SECONDS

    if case.control:
        write_plain(changed, case.control)
        plain = two_versions.roll_out(old, new, stock.copy(f"{name}_plain"), tmp_path / "plain")
        print(f"{name}, control: {plain}")
        if case.breaks:
            assert plain.failures or plain.migration.returncode
        else:
            assert plain.waited > seen.waited


def body(extra: Mapping[str, object]) -> dict[str, object]:
    return {"name": f"Item {next(numbers)}", "amount": "2.50", **extra}


def see_each_other(case: Case, old: Serving, new: Serving) -> None:
    """A row made by one version and changed by the other has the values of both, for both."""
    ours = call(old, "POST", PATH, body(case.old))
    assert call(new, "GET", f"{PATH}/{ours['id']}")["name"] == ours["name"]
    for member, renamed in case.same.items():
        assert call(new, "GET", f"{PATH}/{ours['id']}")[renamed] == ours[member]
    call(new, "PATCH", f"{PATH}/{ours['id']}", {"name": "renamed", **case.new})
    theirs = call(old, "PATCH", f"{PATH}/{ours['id']}", {"amount": "7.00"})  # leaves alone what it does not know
    assert theirs["name"] == "renamed"
    seen = call(new, "GET", f"{PATH}/{ours['id']}")
    assert {member: seen[member] for member in case.new} == dict(case.new)
    assert seen["amount"] == "7.00"
    for member, renamed in case.same.items():
        assert theirs[member] == seen[renamed]
    made = call(new, "POST", PATH, body(case.new))
    found = call(old, "GET", f"{PATH}/{made['id']}")
    assert found["name"] == made["name"]
    assert {member: found[member] for member in case.same} == {old: made[new] for old, new in case.same.items()}


def write_plain(service: Path, statements: Sequence[str]) -> None:
    """Replace the statements of the newest revision by these, in one transaction."""
    path = versions(service)[-1]
    ours = path.read_text()
    executed = "".join(f"    op.execute({json.dumps(statement)})\n" for statement in statements)
    path.write_text(ours[: ours.index("def upgrade()")] + f"def upgrade() -> None:\n{executed}")
