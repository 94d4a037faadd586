"""Base of the places whose platform keeps revisions and divides the requests between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failure, Plan
from toolkit.deploy.places.changes import Compared
from toolkit.deploy.places.traffic import doctor, names, stability, targets
from toolkit.deploy.places.traffic.base import C, E, TrafficBase
from toolkit.deploy.places.traffic.canary import LIMIT_KEYS, TrafficCanary
from toolkit.deploy.places.traffic.prerequisites import TrafficPrerequisites
from toolkit.deploy.places.values import Finding, Limits, Running, Variables
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from collections.abc import Collection

    from toolkit.deploy.records import Kept, ReleaseRecord
    from toolkit.deploy.spec import ReleaseSpec

PLATFORM = "linux/amd64"  # of every image on these platforms


class TrafficPlace(TrafficBase[E, C]):
    """Implements `Place`, as far as it is the same on each of these platforms."""

    def recover(self) -> str:
        self._records = None  # another deployer may have written one since
        live, last = self.platform.get(), last_good(self.records())
        if live is None or not targets.is_interrupted(live.asked):
            return ""
        good = self.rollout.name_of(dict(last.objects[0])) if last and last.objects else ""
        traffic = targets.restored(live.asked, good)
        self.rollout.divide(traffic)
        return f"a killed deploy left {targets.shown(live.asked)}: now {targets.shown(traffic)}"

    # the history

    def kept_objects(self, spec: ReleaseSpec) -> tuple[Kept, ...]:
        if spec.again:
            return tuple(spec.again.objects)
        web = self.web(spec)
        return (web, *self.processes(web))

    def web(self, spec: ReleaseSpec) -> Kept:
        return self.rendered(spec, {} if spec.again else self.connection.secrets.by_variable)

    # before anything is changed

    def check(self, spec: ReleaseSpec) -> None:
        self.rendered(spec, {})

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> TrafficPrerequisites:
        self.platform.get()
        return TrafficPrerequisites(self.name, Variables(mark="" if rollback else self._mark()))

    def variables(self) -> Variables:
        return Variables(mark=self._mark())

    def _mark(self) -> str:
        return names.content_hash(dict(self.connection.secrets.by_variable))[:16]

    def unfit(self, platforms: Collection[str]) -> Failure | None:
        if platforms and PLATFORM not in platforms:
            hint = f"build it for {self.product}: `platforms: [{PLATFORM}]` in deploy/inventory.yaml"
            message = f"the image is for {', '.join(sorted(platforms))}, and {self.product} runs {PLATFORM}"
            return Failure("IMG_PLATFORM", message, (), hint)
        return None

    def change_secret(self, names: Sequence[str]) -> Sequence[str]:
        env = self.environment.name
        return [f'printf %s "$VALUE" | python3 tasks.py secrets.set {env} {name}' for name in names]

    # a release

    def observe_configuration(self, spec: ReleaseSpec) -> Compared:
        return Compared(())

    def apply_configuration(self, spec: ReleaseSpec, plan: Plan) -> str:
        return spec.mark

    def canary(self, spec: ReleaseSpec) -> TrafficCanary | None:
        given, live = self.environment.canary, self.platform.get()
        if not given.weights or live is None or not live.serving:
            return None
        kept = self.web(spec)
        if self.is_revision_of(live.serving, kept) or not self._is_ready(live.serving):
            return None
        limits = Limits(given.error_percent, given.slower, LIMIT_KEYS)
        return TrafficCanary(self.rollout, kept, live.serving, given.weights, given.seconds, limits)

    def apply(self, spec: ReleaseSpec, plan: Plan) -> int | None:
        self._release(self.kept_objects(spec), has_served=spec.again is not None)
        return None

    def put_back(self, record: ReleaseRecord) -> int | None:
        self._release(record.objects, has_served=True)
        return None

    def _release(self, objects: Sequence[Kept], *, has_served: bool) -> None:
        web, *processes = objects
        self._released = web, self.rollout.release(web, has_served=has_served)
        self.apply_processes(processes)

    def begin(self, web: Kept, *, fresh: bool = False) -> None:
        """Let `watch` bring the service to this state; `fresh`: with new instances."""
        self._begun = web, fresh

    # what runs

    def _is_ready(self, revision: str) -> bool:
        found = self.platform.revision(revision)
        return found is not None and found.is_ready

    def running_digest(self) -> str:
        if self._begun:
            return str(self._begun[0]["digest"])
        live = self.platform.get()
        revision = self.platform.revision(live.serving) if live and live.serving else None
        return revision.digest if revision else ""

    def running(self) -> Running:
        live, wanted = self.platform.get(), self._released[1] if self._released else ""
        complete = live is not None and targets.is_settled(live.traffic, wanted) and self._is_ready(wanted)
        return Running(wanted or self.platform.name, complete, targets.shown(live.traffic if live else ()))

    def watch(self, seconds: float, hold: float) -> str:
        if self._begun:
            (web, fresh), self._begun = self._begun, None
            self._released = web, self.rollout.release(web, has_served=not fresh, fresh=fresh)
        if self._released is None:
            raise AssertionError("watched before anything was released")
        return stability.hold(self, self._released[1], seconds, hold)

    def logs(self, lines: int) -> list[str]:
        live = self.platform.get()
        revisions = sorted({target.revision for target in live.traffic}) if live else []
        found = self.connection.logs.of_revisions(revisions, lines) if revisions else []
        return found or [self.silence.format(self.platform.name)]

    # doctor

    def identify(self) -> Finding:
        return doctor.identify(self._error, self.described)

    def checks(self, spec: Callable[[], ReleaseSpec]) -> Mapping[str, Callable[[], Finding]]:
        return {
            "permissions": self.check_permissions,
            "secret": lambda: doctor.secret(self.connection.secrets.by_variable),
            "traffic": lambda: doctor.traffic(self.platform.get(), self.environment.name),
            "lock": lambda: doctor.lock(self.connection.ledger.read()),
        }
