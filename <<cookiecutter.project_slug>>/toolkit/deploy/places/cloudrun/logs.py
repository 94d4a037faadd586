"""Lines of instances and executions, from Cloud Logging."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.cloudrun.client import endpoint

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.client import Client, Object

SHOWN = 20
# Between a line and its entry there are some seconds.
PATIENCE_SECONDS, PAUSE_SECONDS = 12.0, 2.0


class Logs:
    """The entries of a project."""

    def __init__(self, client: Client, project: str) -> None:
        self.client, self.project = client, project
        self._url = endpoint("logging", "https://logging.googleapis.com") + "/v2/entries:list"

    def of_revisions(self, names: Sequence[str], lines: int) -> list[str]:
        """Return the newest lines of revisions, each after its revision's name."""
        either = " OR ".join(f'"{name}"' for name in names)
        query = f'resource.type="cloud_run_revision" AND resource.labels.revision_name=({either})'
        return [f"{label(entry, 'revision_name')}  {text(entry)}" for entry in self._newest(query, lines)]

    def of_revision(self, name: str, lines: int = SHOWN) -> list[str]:
        query = f'resource.type="cloud_run_revision" AND resource.labels.revision_name="{name}"'
        return [text(entry) for entry in self._newest(query, lines)]

    def of_execution(self, name: str, lines: int = SHOWN) -> list[str]:
        query = f'resource.type="cloud_run_job" AND labels."run.googleapis.com/execution_name"="{name}"'
        return [text(entry) for entry in self._newest(query, lines)]

    def of_ended(self, execution: str, lines: int = SHOWN) -> list[str]:
        """Return the last lines of an execution that has just ended: the first of them may take some seconds."""
        return self._awaited(lambda: self.of_execution(execution, lines))

    def as_evidence(self, name: str, *, execution: bool = False) -> tuple[str, ...]:
        """Return the last lines for a failure page; none where this user may not read them, or there are none."""
        with suppress(Failed):
            found = self.of_ended(name) if execution else self._awaited(lambda: self.of_revision(name))
            return tuple(f"| {line}" for line in found)
        return ()

    def _awaited(self, look: Callable[[], list[str]]) -> list[str]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := look()) and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
        return found

    def _newest(self, query: str, lines: int) -> list[Object]:
        body = {
            "resourceNames": [f"projects/{self.project}"],
            "filter": query,
            "orderBy": "timestamp desc",
            "pageSize": lines,
        }
        found: list[Object] = self.client.ask(self._url, "the log", body).get("entries") or []
        return list(reversed(found))


def text(entry: Mapping[str, object]) -> str:
    """Return an entry as a line: its text, or the JSON that the service has written. Pure."""
    if "textPayload" in entry:
        return str(entry["textPayload"]).rstrip("\n")
    payload = entry.get("jsonPayload")
    return json.dumps(payload) if payload is not None else ""


def label(entry: Mapping[str, object], name: str) -> str:
    resource = entry.get("resource")
    labels = resource.get("labels") if isinstance(resource, Mapping) else None
    return str(labels.get(name, "")) if isinstance(labels, Mapping) else ""
