"""The watch over one deployment of a service, until it is complete and has stayed healthy."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.ecs import evidence
from toolkit.deploy.places.ecs.verdict import Seen, is_complete, judge

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.place import EcsPlace
    from toolkit.deploy.places.ecs.values import Task

POLL_SECONDS = 1.0


class Watch:
    """Watches the deployment `deployment` of `service`. `family`: of its log streams."""

    def __init__(self, place: EcsPlace, service: str, deployment: str, family: str) -> None:
        self.place, self.service, self.deployment, self.family = place, service, deployment, family
        self._logs: dict[str, tuple[str, ...]] = {}
        self._began = time.monotonic()

    def look(self) -> Seen:
        calls = self.place.calls
        live = calls.service(self.service)
        stopped = [
            task for task in calls.tasks(stopped=True, service=self.service) if task.started_by == self.deployment
        ]
        self._save(stopped)
        running = [task for task in calls.tasks(service=self.service) if task.started_by == self.deployment]
        targets = [
            target for item in (live.load_balancers if live else ()) for target in calls.targets(item.target_group)
        ]
        addresses = frozenset(task.address for task in running if task.address)
        return Seen(live, self.deployment, stopped, targets, addresses, time.monotonic() - self._began)

    def hold(self, seconds: float, stable: float) -> str:
        """Wait, and return a summary. Raises Failed with a verdict."""
        good_since = None
        while True:
            self.place.require_lock()
            seen = self.look()
            complete = is_complete(seen)
            # A deployment that is complete is judged by its stopped tasks alone.
            if found := judge(seen, float("inf") if complete else seconds):
                verdict, task = found
                raise Failed(self._page(verdict, task))
            primary = seen.service.primary if seen.service else None
            counts = f"{primary.running} of {primary.desired}" if primary else "0"
            now = time.monotonic()
            good_since = (good_since or now) if complete else None
            if good_since is not None and now - good_since >= stable:
                return f"{counts} tasks run"
            held = f"held {now - good_since:.0f} of {stable:.0f} s" if good_since is not None else ""
            self.place.report.progress(
                "rollout", ", ".join(filter(None, (f"{self.service}: {counts} tasks run", held)))
            )
            time.sleep(POLL_SECONDS)

    def _save(self, stopped: Iterable[Task]) -> None:
        """Save logs at once: they are gone with their group's retention, and the tasks after an hour."""
        for task in stopped:
            if task.arn not in self._logs:
                folder = self.place.evidence_folder()
                self._logs[task.arn] = evidence.save(
                    folder, self.place.calls, self.place.environment.log_group, self.family, task
                )

    def _page(self, verdict: evidence.Verdict, task: Task | None) -> evidence.Failure:
        lines = self._logs.get(task.arn, ()) if task else ()
        if task and not lines:  # CloudWatch shows the last lines some seconds after the end
            group, calls = self.place.environment.log_group, self.place.calls
            lines = evidence.save(self.place.evidence_folder(), calls, group, self.family, task)
        return evidence.page(verdict, task, lines, self.place.evidence_folder() if task else None)
