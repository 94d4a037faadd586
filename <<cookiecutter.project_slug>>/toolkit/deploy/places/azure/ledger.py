"""The lock and the history: two blobs of a storage account, changed by compare-and-swap with their ETag."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy import records
from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.azure.auth import BLOBS
from toolkit.deploy.places.azure.errors import GONE, WriteConflict, failure

if TYPE_CHECKING:
    from toolkit.deploy.places.azure.client import Client
    from toolkit.deploy.records import ReleaseRecord

CONTAINER, VERSION = "history", "2023-11-03"
TRIES, PAUSE_SECONDS = 20, 0.2


@dataclass(frozen=True)
class Blob:
    """`tag`: its ETag, which a write must match; empty for a blob that does not exist."""

    text: str = ""
    tag: str = ""


class Ledger:
    """Implements the `Slot` of the lock. `account`: the storage account. `name`: that of the service in it."""

    def __init__(self, client: Client, account: str, name: str) -> None:
        self.client, self.account = client, account
        self._base = f"https://{account}.blob.core.windows.net/{CONTAINER}/{name}"
        self._mutex = threading.Lock()

    # the lock

    def read(self) -> str:
        return self._get("lock").text

    def swap(self, before: str, after: str) -> bool:
        live = self._get("lock")
        return live.text == before and self._put("lock", live, after)

    # the history

    def records(self) -> list[ReleaseRecord]:
        """Return every record, the oldest first."""
        found = [record for line in self._get("records").text.splitlines() if (record := records.from_json(line))]
        return sorted(found, key=lambda record: record.number)

    def add(self, record: ReleaseRecord) -> ReleaseRecord:
        """Write under the next free number."""
        made = record

        def change(lines: list[str]) -> list[str]:
            nonlocal made
            taken = [found.number for line in lines if (found := records.from_json(line))]
            made = replace(record, number=max([record.number, *(number + 1 for number in taken)]))
            return [*lines, records.to_json(made)]

        self._change(change)
        return made

    def remove(self, gone: Sequence[ReleaseRecord]) -> None:
        numbers = {record.number for record in gone}

        def kept(line: str) -> bool:
            found = records.from_json(line)
            return found is None or found.number not in numbers

        self._change(lambda lines: [line for line in lines if kept(line)])

    def delete(self) -> None:
        """Delete the history; the lock is held until the end."""
        self.client.changes.allow()
        self.client.send("DELETE", f"{self._base}/records", "the history", scope=BLOBS, headers=self._headers())

    def _change(self, change: Callable[[list[str]], list[str]]) -> None:
        self.client.changes.allow()
        with self._mutex:
            for _ in range(TRIES):
                live = self._get("records")
                if self._put("records", live, "\n".join(change(live.text.splitlines()))):
                    return
                time.sleep(PAUSE_SECONDS)
        raise fail("LEDGER_BUSY", "the history is changed by others all the time", hint="run the same command again")

    # blobs

    def _get(self, name: str) -> Blob:
        answer = self.client.send("GET", f"{self._base}/{name}", f"blob {name}", scope=BLOBS, headers=self._headers())
        if answer.status_code != GONE:
            return Blob(answer.text, str(answer.headers["ETag"]))
        if answer.headers.get("x-ms-error-code") == "ContainerNotFound":
            message = f"storage account {self.account} has no container {CONTAINER}"
            account = f"--auth-mode login --account-name {self.account}"
            hint = f"az storage container create {account} --name {CONTAINER}"
            raise fail("HISTORY_NOT_FOUND", message, hint=hint)
        return Blob()

    def _put(self, name: str, live: Blob, text: str) -> bool:
        """Write over `live`; False if it has changed since."""
        condition = {"If-Match": live.tag} if live.tag else {"If-None-Match": "*"}
        headers = {**self._headers(), "x-ms-blob-type": "BlockBlob", **condition}
        url, content = f"{self._base}/{name}", text.encode()
        try:
            answer = self.client.send("PUT", url, f"blob {name}", scope=BLOBS, headers=headers, content=content)
        except WriteConflict:
            return self._get(name).text == text  # our own write, whose response was lost
        if answer.status_code == GONE:
            raise failure(GONE, answer.text, f"blob {name}")
        return True

    @staticmethod
    def _headers() -> dict[str, str]:
        return {"x-ms-version": VERSION}
