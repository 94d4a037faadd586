"""Reasons of pods that are not ready, from `/ready`, or without access to it, from their log."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.kubernetes.pod_failures import Sign, is_ready
from toolkit.deploy.places.kubernetes.secrets import change_secret

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

CONTAINER = "app"
# Log line of app/api/v1/endpoints/health.py when a probe does not reach the database, and its response code.
EVENT, REFUSED = "database not reached", "database_refused"
ADVICE = "correct DATABASE_URL, or the role in PostgreSQL"
LINES = 20
ASK_SECONDS = 3.0
# A longer refusal is not caused by a start of the database.
REFUSED_SECONDS = 6.0


@dataclass(frozen=True)
class Cause:
    """Reason of a pod. `refused`: only new settings help (a rotated password, a role, a database's name)."""

    pod: str
    reason: str
    advice: str
    refused: bool


def cause(place: KubernetesPlace, pods: Sequence[Object]) -> Cause | None:
    """Return the reason of the first pod that is not ready; None if all are ready, or none has a reason."""
    for pod in pods:
        if not is_ready(pod) and (found := _asked(place, pod["metadata"]["name"])):
            return found
    return None


def _asked(place: KubernetesPlace, pod: str) -> Cause | None:
    answer = place.cluster.proxy(pod, place.environment.port, "/ready", kind="pods")
    if isinstance(answer, Mapping) and answer.get("detail"):
        return Cause(pod, str(answer["detail"]).rstrip("."), ADVICE, refused=answer.get("code") == REFUSED)
    return read(pod, place.cluster.logs(pod, CONTAINER, lines=LINES))


def read(pod: str, lines: Iterable[str]) -> Cause | None:
    """Return the last report on the database in a pod's log. Pure."""
    for line in reversed(list(lines)):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("event") == EVENT:
            texts = (str(entry.get("reason", "")), str(entry.get("advice", "")))
            return Cause(pod, *texts, refused=entry.get("refused") is True)
    return None


class Watch:
    """Periodic check of the logs of pods that do not become ready."""

    def __init__(self, place: KubernetesPlace) -> None:
        self.place = place
        self._asked = self._since = 0.0

    def sign(self, pods: Sequence[Object]) -> Sign | None:
        """Return a failure after the database has refused every pod for some seconds."""
        now = time.monotonic()
        if now - self._asked < ASK_SECONDS or not pods or any(map(is_ready, pods)):
            return None
        self._asked = now
        found = cause(self.place, pods)
        if found is None or not found.refused:
            self._since = 0.0
            return None
        self._since = self._since or now
        if now - self._since < REFUSED_SECONDS:
            return None
        hint = f"{found.advice}; then deploy again"
        return Sign(
            "DATABASE_REFUSED", f"the database refuses the service: {found.reason}", 0, found.pod, CONTAINER, hint=hint
        )


def refusal(place: KubernetesPlace, found: Cause) -> Failed:
    """Return Failed DATABASE_REFUSED for pods that a deploy would not replace."""
    again = f"python3 tasks.py deploy {place.environment.name}"
    return fail(
        "DATABASE_REFUSED",
        f"the database refuses the running service, and this release would not change that: {found.reason}",
        f"pod {found.pod}",
        hint="; ".join([found.advice, *change_secret(place.environment, ["DATABASE_URL"]), again]),
    )
