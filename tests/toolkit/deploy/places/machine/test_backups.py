"""Backups: which ones count, which are kept, and what a failed one says."""

import json
from dataclasses import asdict

import pytest

from toolkit.deploy.operations.backups import line_of, size_of
from toolkit.deploy.places.backups import Backup
from toolkit.deploy.places.machine.backups import BROKEN, files, parsed, refusal, superseded
from toolkit.deploy.process import Done


def backup(number: int) -> Backup:
    return Backup(number, "2026-11-26T14:40:00+00:00", 3 * 2**20, "c" * 64, "aa01", "by hand")


def test_listed_by_number_without_what_is_not_a_backup() -> None:
    lines = [json.dumps(asdict(backup(number))) for number in (10, 2)] + ["", "{", '{"number": 3}']
    assert parsed("\n".join(lines)) == [backup(2), backup(10)]


@pytest.mark.parametrize(("numbers", "keep", "gone"), [((1, 2, 3), 2, [1]), ((1, 2), 2, []), ((4, 7, 9), 1, [4, 7])])
def test_newest_are_kept(numbers: tuple[int, ...], keep: int, gone: list[int]) -> None:
    assert [item.number for item in superseded([backup(number) for number in numbers], keep)] == gone


def test_file_that_makes_it_count_is_deleted_first() -> None:
    assert files(backup(7)) == ("backups/000007.json", "backups/000007.dump")


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (1, "pg_dump: error: No space left on device", "DISK_FULL"),
        (1, "Error: No such container: shop-postgres", "NO_DATABASE"),
        (1, "Error response from daemon: Container 1f is not running", "NO_DATABASE"),
        (BROKEN, "pg_restore: error: could not read from input file: end of file", "BACKUP_BROKEN"),
        (1, "pg_dump: error: connection failed", "BACKUP_FAILED"),
    ],
)
def test_failures(code: int, said: str, expected: str) -> None:
    found = refusal("the backup", "shop-postgres", "staging", Done(code, "", said)).failure
    assert found.code == expected
    assert found.hint


def test_shown_for_people() -> None:
    assert line_of(backup(2)) == "2  2026-11-26T14:40:00+00:00  3.0 MiB  schema aa01  by hand"
    assert [size_of(size) for size in (10, 2**31)] == ["10 B", "2.0 GiB"]
