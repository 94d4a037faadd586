"""The watch over deployments of services, until each is complete and has stayed healthy."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.ecs import evidence
from toolkit.deploy.places.ecs.verdict import Seen, is_complete, judge

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.place import EcsPlace
    from toolkit.deploy.places.ecs.values import Task

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Watched:
    """`deployment`: id, of the service `service`. `family`: of its log streams. `process`: empty for the service."""

    service: str
    deployment: str
    family: str
    process: str = ""


class Watch:
    def __init__(self, place: EcsPlace, watched: Sequence[Watched]) -> None:
        self.place, self.watched = place, watched
        self._logs: dict[str, tuple[str, ...]] = {}
        self._began = time.monotonic()

    def look(self, item: Watched) -> Seen:
        calls = self.place.calls
        live = calls.service(item.service)
        stopped = [
            task for task in calls.tasks(stopped=True, service=item.service) if task.started_by == item.deployment
        ]
        self._save(item, stopped)
        running = [task for task in calls.tasks(service=item.service) if task.started_by == item.deployment]
        targets = [
            target for each in (live.load_balancers if live else ()) for target in calls.targets(each.target_group)
        ]
        addresses = frozenset(task.address for task in running if task.address)
        return Seen(live, item.deployment, stopped, targets, addresses, time.monotonic() - self._began)

    def hold(self, seconds: float, stable: float) -> str:
        """Wait, and return a summary. Raises Failed with a verdict."""
        good_since = None
        while True:
            self.place.require_lock()
            said, complete = [], True
            for item in self.watched:
                seen = self.look(item)
                done = is_complete(seen)
                # A deployment that is complete is judged by its stopped tasks alone.
                if found := judge(seen, float("inf") if done else seconds):
                    raise Failed(self._page(item, *found))
                said.append(counts(item, seen))
                complete = complete and done
            now = time.monotonic()
            good_since = (good_since or now) if complete else None
            if good_since is not None and now - good_since >= stable:
                return "; ".join(said)
            held = [f"held {now - good_since:.0f} of {stable:.0f} s"] if good_since is not None else []
            self.place.report.progress("rollout", ", ".join((f"{self.watched[0].service}: {'; '.join(said)}", *held)))
            time.sleep(POLL_SECONDS)

    def _save(self, item: Watched, stopped: Iterable[Task]) -> None:
        """Save logs at once: they are gone with their group's retention, and the tasks after an hour."""
        for task in stopped:
            if task.arn not in self._logs:
                self._logs[task.arn] = self._save_one(item, task)

    def _save_one(self, item: Watched, task: Task) -> tuple[str, ...]:
        folder, group = self.place.evidence_folder(), self.place.environment.log_group
        return evidence.save(folder, self.place.calls, group, item.family, task)

    def _page(self, item: Watched, verdict: evidence.Verdict, task: Task | None) -> evidence.Failure:
        lines = self._logs.get(task.arn, ()) if task else ()
        if task and not lines:  # CloudWatch shows the last lines some seconds after the end
            lines = self._save_one(item, task)
        if item.process:
            verdict = replace(verdict, message=f"process {item.process}: {verdict.message}")
        return evidence.page(verdict, task, lines, self.place.evidence_folder() if task else None)


def counts(item: Watched, seen: Seen) -> str:
    primary = seen.service.primary if seen.service else None
    running, desired = (primary.running, primary.desired) if primary else (0, 0)
    return f"{item.process} {running}/{desired} ready" if item.process else f"{running} of {desired} tasks run"
