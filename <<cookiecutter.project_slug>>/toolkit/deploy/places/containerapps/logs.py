"""Lines of replicas and executions, from Log Analytics: what they write, and what the platform says about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.azure.auth import LOGS
from toolkit.deploy.places.azure.errors import GONE

if TYPE_CHECKING:
    from toolkit.deploy.places.containerapps.app import ContainerApp

QUERY = "https://api.loganalytics.azure.com/v1/workspaces/{}/query"
SHOWN = 20
# Between a line and its row there may be minutes: this long a failure page waits for the first.
PATIENCE_SECONDS, PAUSE_SECONDS = 20.0, 2.0
NO_TABLE = "Failed to resolve table"  # before the first line
CONSOLE, SYSTEM = "ContainerAppConsoleLogs_CL", "ContainerAppSystemLogs_CL"


class Logs:
    """The workspace of the app's environment. Names come from Azure, and have no quotes."""

    def __init__(self, app: ContainerApp) -> None:
        self.app = app

    @cached_property
    def _workspace(self) -> str:
        configuration = (self.app.environment().get("properties") or {}).get("appLogsConfiguration") or {}
        found = (configuration.get("logAnalyticsConfiguration") or {}).get("customerId")
        if not found:
            hint = "send its logs to Log Analytics: `az containerapp env update --logs-destination log-analytics`"
            raise fail("NO_LOGS", f"environment {self.app.env.environment} keeps no logs to query", hint=hint)
        return str(found)

    def of_revisions(self, names: Sequence[str], lines: int) -> list[str]:
        """Return the newest lines of revisions, each after its replica's name."""
        either = ", ".join(f"'{name}'" for name in names)
        rows = self._newest(CONSOLE, f"RevisionName_s in ({either})", "ContainerGroupName_s, Log_s", lines)
        return [f"{replica}  {text}" for replica, text in rows]

    def of_revision(self, name: str, lines: int = SHOWN) -> list[str]:
        return [row[0] for row in self._newest(CONSOLE, f"RevisionName_s == '{name}'", "Log_s", lines)]

    def of_execution(self, name: str, lines: int = SHOWN) -> list[str]:
        rows = self._newest(CONSOLE, f"ContainerGroupName_s startswith '{name}'", "Log_s", lines)
        return [row[0] for row in rows]

    def events(self, name: str, *, execution: bool = False) -> list[str]:
        """Return the platform's lines about ended containers; none where this user may not read them."""
        where = f"ExecutionName_s == '{name}'" if execution else f"RevisionName_s == '{name}'"
        with suppress(Failed):
            rows = self._newest(SYSTEM, f"{where} and Reason_s in ('ContainerTerminated', 'Error')", "Log_s", SHOWN)
            return [row[0] for row in rows]
        return []

    def awaited(self, look: Callable[[], list[str]]) -> list[str]:
        """Look again until there are lines, for a while."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := look()) and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
        return found

    def as_evidence(self, name: str, *, execution: bool = False) -> tuple[str, ...]:
        """Return the last lines for a failure page; none where this user may not read them, or there are none."""
        look = self.of_execution if execution else self.of_revision
        with suppress(Failed):
            return tuple(f"| {line}" for line in self.awaited(lambda: look(name)))
        return ()

    def _newest(self, table: str, where: str, columns: str, lines: int) -> list[list[str]]:
        query = f"{table} | where {where} | top {lines} by TimeGenerated desc | project {columns}"
        url = QUERY.format(self._workspace)
        try:
            answer = self.app.client.send("POST", url, "the log", {"query": query}, scope=LOGS)
        except Failed as error:
            if NO_TABLE in str(error):
                return []
            raise
        if answer.status_code == GONE:
            return []
        rows = answer.json()["tables"][0]["rows"]
        return [[str(value).rstrip("\n") for value in row] for row in reversed(rows)]
