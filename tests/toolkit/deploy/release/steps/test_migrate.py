"""The migrate step's plan: a backup before revisions that drop data, where the toolkit runs the database."""

from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.migrations import Pending, Revision
from toolkit.deploy.outcomes import Change
from toolkit.deploy.release import schemas
from toolkit.deploy.release.state import Known
from toolkit.deploy.release.steps.migrate import Schemas

MIGRATION, BACKUP = Change("run", "the migration"), Change("write", "a backup")


def revision(*, destructive: bool = False, contract_of: tuple[str, ...] = ()) -> Revision:
    return Revision("b", destructive, contract_of=contract_of)


@pytest.mark.parametrize(
    ("found", "database", "backup", "expected"),
    [
        (revision(), "a", BACKUP, (MIGRATION,)),
        (revision(destructive=True), "a", BACKUP, (BACKUP, MIGRATION)),
        # It does not break the running version, and still drops what that had.
        (revision(contract_of=("x",)), "a", BACKUP, (BACKUP, MIGRATION)),
        (revision(destructive=True), "", BACKUP, (MIGRATION,)),  # an empty database
        (revision(destructive=True), "a", None, (MIGRATION,)),  # another's database
    ],
)
def test_backup_before_data_is_dropped(
    found: Revision, database: str, backup: Change | None, expected: tuple[Change, ...]
) -> None:
    seen = Schemas(Known(), "b", database, Pending((found,)), False, True, MIGRATION, backup)
    assert seen.plan().changes == expected


@pytest.mark.parametrize(("own", "expected"), [("aa01", "aa01"), ("", ""), (None, "served")])
def test_database_itself_is_asked_first(own: str | None, expected: str) -> None:
    target: Any = SimpleNamespace(place=SimpleNamespace(schema=lambda: own, ask=lambda _: {"schema": "served"}))
    assert schemas.of_database(target) == expected
