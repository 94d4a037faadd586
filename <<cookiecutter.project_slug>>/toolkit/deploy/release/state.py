"""State of one deploy: an environment, its cluster, the new release, and data shared between the steps."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Failed, Failure, Plan, fail
from toolkit.deploy.places.kubernetes import sources
from toolkit.deploy.places.kubernetes.naming import is_migration
from toolkit.deploy.places.kubernetes.objects import Object, content_hash
from toolkit.deploy.release import commits
from toolkit.deploy.release import history as records_of
from toolkit.deploy.release.spec import Release, driver_of, secrets_from
from toolkit.dev.questions import ask

if TYPE_CHECKING:
    from toolkit.deploy.inventory.load import Facts
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.release.commits import Checkout
    from toolkit.deploy.release.history import Record
    from toolkit.deploy.release.settings import Check
    from toolkit.deploy.report import Report


@dataclass(frozen=True)
class Options:
    check: bool = False
    diff: bool = False
    yes: bool = False
    exit_code: bool = False
    allow_destructive: bool = False
    correct_drift: bool = False
    allow_older: bool = False


@dataclass
class Target:
    """State of one deploy. `digest` is set by the image step. `touched`: the running release may have been changed."""

    project: Path
    facts: Facts
    environment: Environment
    cluster: Cluster
    report: Report
    check: Check  # the service's check of its settings
    options: Options = Options()
    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    ahead: ExitStack = field(default_factory=ExitStack)  # work for a build only
    digest: str | None = None
    heads: dict[str, str] = field(default_factory=dict)  # of images by digest, as far as known
    image_commit: str = ""
    image_schema: str = ""
    schema_before: str = ""
    schema_after: str = ""
    will_destroy: bool = False
    destructive_ran: bool = False
    touched: bool = False
    rollback_of: int | None = None
    helm_revision: int | None = None
    namespace_missing: bool = False
    plans: dict[str, Plan] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    evidence: Path | None = None
    fixed_objects: tuple[Object, ...] = ()  # a rollback brings its own
    mark: str = ""  # of the Secrets and ConfigMaps that the pods read: see toolkit/deploy/places/kubernetes/sources.py
    _records: list[Record] | None = None
    _rendered: tuple[tuple[str, str], list[Object]] | None = None

    @property
    def driver(self) -> Any:
        return driver_of(self.environment, self.project)

    @property
    def run_url(self) -> str:
        return records_of.run_url()

    @property
    def records(self) -> list[Record]:
        if self._records is None:
            self._records = [] if self.namespace_missing else records_of.read(self.cluster, self.facts.name)
        return self._records

    @property
    def on_record(self) -> bool:
        """Return True if the last good release is this one: it was stable and passed its smoke test."""
        last = records_of.last_good(self.records)
        if last is None or last.digest != self.digest or self.objects is None:
            return False
        return content_hash({"objects": list(last.objects)}) == content_hash({"objects": self._recorded})

    @property
    def _recorded(self) -> list[Object]:
        """Return the objects for the record: without Secrets and without the migration, which a rollback skips."""
        name = self.facts.name
        return [item for item in self.objects or () if item["kind"] != "Secret" and not is_migration(item, name)]

    @property
    def release(self) -> Release | None:
        """The release; None before the image is known."""
        return None if self.digest is None else self._release_of(self.digest)

    @property
    def objects(self) -> list[Object] | None:
        """Every object of the release; None before the image is known."""
        if self.fixed_objects:
            return [sources.marked(item, self.mark) for item in self.fixed_objects]
        if self.digest is None:
            return None
        if self._rendered is None or self._rendered[0] != (self.digest, self.mark):
            self._rendered = (self.digest, self.mark), self.rendered_for(self.digest)
        return self._rendered[1]

    def rendered_for(self, digest: str) -> list[Object]:
        """Return the objects of this environment with an image. Raises Failed MANIFEST_INVALID, SECRET_NOT_SET."""
        return self.driver.render(self.project, self._release_of(digest))

    def _release_of(self, digest: str) -> Release:
        env = self.environment
        secrets = secrets_from(env, self.variables)
        return Release(self.facts.name, env, digest, secrets, None if env.autoscale else env.replicas, self.mark)

    def confirm(self, plans: Mapping[str, Plan]) -> None:
        """Ask for confirmation if the inventory requires it. Raises Failed NOT_CONFIRMED."""
        if not self.environment.confirm or self.options.yes:
            return
        for name, plan in plans.items():
            self.report.plan(name, plan, diff=False)
        name = self.environment.name
        if ask(f"Deploy this to {name}? Type its name to continue: ") != name:
            raise fail(
                "NOT_CONFIRMED",
                f"{name} requires a confirmation, which was not given: nothing was changed",
                hint=f"answer with `{name}` at a terminal, or pass --yes",
            )

    def still_ours(self) -> None:
        """Check the lock while waiting. Raises Failed LEASE_LOST when another deployer has taken it over."""
        if self.cluster.guard:
            self.cluster.guard()

    def recover(self) -> bool:
        """Repair leftovers of a killed deployer, under the lock. True if there were any."""
        self._records = None
        recover = getattr(self.driver, "recover", None)
        return bool(recover and recover(self))

    @cached_property
    def checkout(self) -> Checkout | None:
        return commits.checkout(self.project)

    @property
    def _provenance(self) -> tuple[str, str, str]:
        """Return the commit, its time, and the image's commit for the record. A rollback uses those of its release."""
        if self.rollback_of is not None:
            back = next((record for record in self.records if record.number == self.rollback_of), None)
            return (back.git, back.commit_time, back.image_commit) if back else ("", "", "")
        here = self.checkout
        return (here.revision, here.commit.time, self.image_commit) if here else ("", "", self.image_commit)

    def new_record(self, outcome: str, reason: str = "") -> Record:
        number = self.records[-1].number + 1 if self.records else 1
        commit, time, image_commit = self._provenance
        return records_of.Record(
            number=number,
            digest=self.digest or "",
            image=f"{self.environment.repository}@{self.digest}" if self.digest else "",
            outcome=outcome,
            driver=self.environment.driver,
            at=records_of.now(),
            actor=records_of.actor(),
            git=commit,
            commit_time=time,
            image_commit=image_commit,
            run_url=self.run_url,
            reason=reason,
            schema_before=self.schema_before,
            schema_after=self.schema_after or self.schema_before,
            image_schema=self.image_schema,
            rollback_of=self.rollback_of,
            helm_revision=self.helm_revision,
            objects=tuple(self._recorded) if outcome == records_of.GOOD else (),
            seconds={name: round(spent, 2) for name, spent in self.seconds.items()},
        )

    def record_failure(self, failure: Failure, outcome: str) -> None:
        """Write the record for `history`; an error here does not fail the play."""
        try:
            record = records_of.write(
                self.cluster, self.facts.name, replace(self.new_record(outcome), reason=failure.code)
            )
            self.report.note(f"recorded as release {record.number} ({outcome})")
        except Failed as error:
            self.report.note(f"not recorded: {error.failure.message}")
