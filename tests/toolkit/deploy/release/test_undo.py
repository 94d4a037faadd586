"""Way back after a failed release: what it names when the release before cannot be put back."""

from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.records import GOOD, ReleaseRecord
from toolkit.deploy.release.state import Known
from toolkit.deploy.release.undo import undo

LAST = ReleaseRecord(4, "sha256:1", "r@sha256:1", GOOD, "docker", "now", "ada")


def target(*records: ReleaseRecord) -> Any:
    place = SimpleNamespace(records=lambda: list(records))
    return SimpleNamespace(place=place, environment=SimpleNamespace(name="production"))


@pytest.mark.parametrize(
    ("records", "backup", "expected"),
    [
        ((LAST,), "3", ["tasks.py restore production 3`", "tasks.py rollback production --to 4`"]),
        ((LAST,), "", []),  # the place runs no database
        ((), "3", []),
    ],
)
def test_destructive_migration_names_its_backup(
    records: tuple[ReleaseRecord, ...], backup: str, expected: list[str]
) -> None:
    with pytest.raises(Failed) as failed:
        undo(target(*records), Known(destructive_ran=True, backup=backup))
    assert failed.value.failure.code == "FORWARD_FIX"
    hint = failed.value.failure.hint
    assert hint.startswith("correct the fault, keep the schema, and deploy again")
    assert [text for text in expected if text in hint] == expected
    assert ("restore" in hint) == bool(expected)
