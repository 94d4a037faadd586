"""The lock and the history: annotations of the migration's Job, which exists before the service does.

A first release holds the lock before there is a service, and a service cannot be made without a revision.
"""

from __future__ import annotations

import base64
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit.deploy import records
from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.cloudrun import render
from toolkit.deploy.places.cloudrun.errors import WriteConflict

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.client import Object
    from toolkit.deploy.places.cloudrun.service import RunService
    from toolkit.deploy.records import ReleaseRecord

LOCK, RECORD = "deploy/lock", "deploy/record-"
# Google's sample, until the first migration names the service's own image.
PLACEHOLDER = "us-docker.pkg.dev/cloudrun/container/job:latest"
TRIES, PAUSE_SECONDS = 20, 0.2


class Ledger:
    """Implements the `Slot` of the lock. Other annotations of the Job stay as they are."""

    def __init__(self, service: RunService) -> None:
        self.service = service
        self.job = render.job_name(service.name, "migrate")

    def annotations(self) -> Mapping[str, str]:
        found = self.service.job(self.job)
        return (found["metadata"].get("annotations") or {}) if found else {}

    # the lock

    def read(self) -> str:
        return self.annotations().get(LOCK, "")

    def swap(self, before: str, after: str) -> bool:
        def change(now: dict[str, str]) -> dict[str, str] | None:
            if now.get(LOCK, "") != before:
                return None
            kept = {key: value for key, value in now.items() if key != LOCK}
            return {**kept, LOCK: after} if after else kept

        return self._write(change, guarded=False)

    # the history

    def records(self) -> list[ReleaseRecord]:
        """Return every record, the oldest first."""
        found = [unpacked(text) for key, text in self.annotations().items() if key.startswith(RECORD)]
        return sorted((record for record in found if record), key=lambda record: record.number)

    def add(self, record: ReleaseRecord) -> ReleaseRecord:
        """Write under the next free number."""
        made = record

        def change(now: dict[str, str]) -> dict[str, str] | None:
            nonlocal made
            while (text := now.get(key_of(made.number))) is not None:
                if text == packed(made):
                    return None  # our own write, whose response was lost
                made = replace(made, number=made.number + 1)
            return {**now, key_of(made.number): packed(made)}

        self._write(change)
        return made

    def remove(self, gone: Sequence[ReleaseRecord]) -> None:
        names = {key_of(record.number) for record in gone}
        self._write(lambda now: {key: value for key, value in now.items() if key not in names})

    # the Job itself

    def set_spec(self, spec: Object) -> None:
        """Make the Job's next execution that of the release's image."""
        self._write(lambda now: now, spec=spec)

    def _write(
        self,
        change: Callable[[dict[str, str]], dict[str, str] | None],
        *,
        spec: Object | None = None,
        guarded: bool = True,
    ) -> bool:
        """Change the annotations; False if `change` returns None.

        The deploy and the lock's thread write the same Job. No mutex keeps them apart, because a guarded write may
        renew the lock, which is another write of it; the one that is late is repeated.
        """
        for _ in range(TRIES):
            live = self.service.job(self.job)
            now = dict((live["metadata"].get("annotations") or {}) if live else {})
            wanted = change(now)
            if wanted is None:
                return False
            kept = live["spec"] if live else placeholder(self.service)
            body = self.service.job_body(self.job, live, spec or kept, wanted)
            try:
                self.service.write_job(self.job, live, body, guarded=guarded)
            except WriteConflict:
                time.sleep(PAUSE_SECONDS)
            else:
                return True
        raise fail(
            "LEDGER_BUSY", f"Job {self.job} is changed by others all the time", hint="run the same command again"
        )


def placeholder(service: RunService) -> Object:
    return render.job_of({"name": render.CONTAINER, "image": PLACEHOLDER}, service.env, (), 60)


def key_of(number: int) -> str:
    return f"{RECORD}{number:06}"


def packed(record: ReleaseRecord) -> str:
    """Return the record as text. Compressed, because all annotations of an object share 256 KiB. Pure."""
    return base64.b64encode(zlib.compress(records.to_json(record).encode(), 9)).decode()


def unpacked(text: str) -> ReleaseRecord | None:
    """Parse a record; None for anything else. Pure."""
    try:
        return records.from_json(zlib.decompress(base64.b64decode(text)).decode())
    except (ValueError, zlib.error):
        return None
