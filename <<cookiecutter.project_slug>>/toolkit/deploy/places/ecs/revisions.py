"""Task definitions: which revision has the content of a release."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs import definition

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.calls import Calls
    from toolkit.deploy.places.ecs.plan import Wanted
    from toolkit.deploy.places.ecs.values import Definition


class Revisions:
    """Reads each revision once: its content never changes."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self._read: dict[str, tuple[Definition, bool]] = {}

    def read(self, revision: str) -> tuple[Definition, bool]:
        """Return a task definition, and whether it may be used."""
        if revision not in self._read:
            self._read[revision] = self.calls.definition(revision)
        return self._read[revision]

    def with_revision(self, wanted: Wanted, live: str) -> Wanted:
        """Return it with the active revision that has its content: the live one, of the record, or the family's newest.

        A deployer that was killed may have registered one, and nothing else. Empty if there is none.
        """
        newest = self.calls.newest_revision(str(wanted.definition["family"]))
        for revision in filter(None, (live, wanted.revision, newest)):
            found, active = self.read(revision)
            if active and definition.same(found, wanted.definition):
                return replace(wanted, revision=revision)
        return replace(wanted, revision="")

    def registered(self, wanted: Wanted) -> Wanted:
        """Return it with its revision, which is registered unless it exists."""
        return wanted if wanted.revision else replace(wanted, revision=self.calls.register(wanted.definition))
