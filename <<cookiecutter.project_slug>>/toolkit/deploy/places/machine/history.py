"""The history of releases: a JSON file for each, on the first host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit.deploy.records import from_json, to_json

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.host import Machine
    from toolkit.deploy.records import ReleaseRecord


def read(machine: Machine) -> list[ReleaseRecord]:
    """Return every record, the oldest first."""
    done = machine.connection.run(f"cat {machine.folder}/history/*.json 2>/dev/null")
    records = [record for line in done.out.splitlines() if (record := from_json(line))]
    return sorted(records, key=lambda record: record.number)


def write(machine: Machine, record: ReleaseRecord) -> ReleaseRecord:
    """Write under the next free number."""
    while not machine.add(path_of(record), to_json(record) + "\n"):
        record = replace(record, number=record.number + 1)
    return record


def path_of(record: ReleaseRecord) -> str:
    return f"history/{record.number:06}.json"


def unreferenced(names: Sequence[str], kept: Sequence[ReleaseRecord], current: str) -> list[str]:
    """Return the files of secrets that no kept release refers to. Pure."""
    needed = {str(item.get("secrets", "")) for record in kept for item in record.objects} | {current}
    return [f"secrets/{name}" for name in names if name not in needed]
