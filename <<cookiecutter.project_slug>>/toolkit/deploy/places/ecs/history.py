"""The history of releases: an object in S3 for each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit.deploy.records import from_json, to_json

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.bucket import Bucket
    from toolkit.deploy.records import ReleaseRecord

FOLDER = "history/"


def read(bucket: Bucket) -> list[ReleaseRecord]:
    """Return every record, the oldest first."""
    items = [bucket.get(key) for key in bucket.keys(FOLDER)]
    records = [record for item in items if item and (record := from_json(item.text))]
    return sorted(records, key=lambda record: record.number)


def write(bucket: Bucket, record: ReleaseRecord) -> ReleaseRecord:
    """Write under the next free number."""
    while not bucket.put(path_of(record), to_json(record)):
        record = replace(record, number=record.number + 1)
    return record


def path_of(record: ReleaseRecord) -> str:
    return f"{FOLDER}{record.number:06}.json"
