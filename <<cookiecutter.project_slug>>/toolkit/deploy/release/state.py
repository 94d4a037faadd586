"""State of one deploy: its environment, and the facts of the release so far."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Plan, fail
from toolkit.deploy.records import last_good
from toolkit.deploy.release import commits
from toolkit.deploy.spec import NO_DIGEST, ReleaseSpec, secrets_from
from toolkit.dev.questions import ask

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.places import Place
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.release.commits import Checkout
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


@dataclass(frozen=True)
class Known:
    """Data of the release so far. Each step returns it with its own additions.

    `digest` and what follows from it are unknown until the image is. `touched`: the running release may have been
    changed. `backup`: the number of the one made before a migration that drops data. `again`: the release on record
    that a rollback brings back. `mark`: see ReleaseSpec.
    """

    digest: str | None = None
    image_commit: str = ""
    image_schema: str | None = None
    schema_before: str = ""
    schema_after: str = ""
    will_destroy: bool = False
    destructive_ran: bool = False
    backup: str = ""
    touched: bool = False
    again: ReleaseRecord | None = None
    revision: int | None = None  # the place's own number for the release
    mark: str = ""
    plans: Mapping[str, Plan] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def plan_of(self, step: str) -> Plan:
        """Of a step that has been planned; one that was not leaves everything open."""
        return self.plans.get(step, Plan(deferred="not planned yet"))


@dataclass(frozen=True)
class Target:
    """Input of a deploy, which never changes. `check`: the service's check of its settings."""

    project: Path
    service: str
    environment: Environment
    place: Place
    report: Report
    check: Check
    options: Options = Options()
    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    ahead: ExitStack = field(default_factory=ExitStack)  # work for a build only

    @cached_property
    def checkout(self) -> Checkout | None:
        return commits.checkout(self.project)

    @cached_property
    def secrets(self) -> Mapping[str, str]:
        """The values that the release carries. Raises Failed SECRET_NOT_SET, and as a store does."""
        return secrets_from(self.environment, self.variables)

    def spec(self, known: Known) -> ReleaseSpec | None:
        """The release to be; None as long as the image is not known. Raises Failed SECRET_NOT_SET."""
        return None if known.digest is None else self._spec(known.digest, known.mark, known.again)

    def required_spec(self, known: Known) -> ReleaseSpec:
        """The release that is being applied: its image is known by then."""
        spec = self.spec(known)
        if spec is None:
            raise AssertionError("applied before the image was known")
        return spec

    def unbuilt(self) -> ReleaseSpec:
        """The release of this checkout, whatever its image will be. Raises Failed SECRET_NOT_SET."""
        return self._spec(NO_DIGEST)

    def _spec(self, digest: str, mark: str = "", again: ReleaseRecord | None = None) -> ReleaseSpec:
        env = self.environment
        return ReleaseSpec(self.service, env, digest, self.secrets, env.fixed_replicas, mark, again)

    def on_record(self, known: Known) -> bool:
        """Return True if the last good release is this one: it was stable and passed its smoke test."""
        last, spec = last_good(self.place.records()), self.spec(known)
        return bool(last and spec and last.digest == spec.digest and self.place.is_recorded(spec, last))

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
