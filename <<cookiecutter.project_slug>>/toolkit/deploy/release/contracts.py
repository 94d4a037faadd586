"""Contract revisions: what removes the old form of the schema must not run under code that still uses it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail

if TYPE_CHECKING:
    from toolkit.deploy import migrations
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.dev.service import Revision, Revisions

SHORT = 19  # characters of a digest, with sha256:


@dataclass(frozen=True)
class Code:
    """Code that has to work on the schema. `schema`: the head of its revisions, empty if unknown. `role`: why."""

    release: str
    digest: str
    schema: str
    role: str

    def __str__(self) -> str:
        at = f"its newest revision is {self.schema}" if self.schema else "its revisions are unknown"
        return f"{self.release} ({self.digest[:SHORT]}) {self.role}; {at}"


def included(found: Revisions, schema: str) -> frozenset[str]:
    """Return the revisions that code or a database has at these heads (separated by commas)."""
    heads = frozenset(id_ for id_ in schema.split(",") if id_)
    return heads | found.ancestors(heads)


def too_early(
    found: Revisions, schema: str, pending: Sequence[Revision], code: Sequence[Code]
) -> Mapping[str, tuple[Code, ...]]:
    """Return each expand revision that code lacks although a pending contract revision needs it there, with that code.

    A database without a schema has no rows or readers to protect, and without any code this is a first release.
    """
    wanted = dict.fromkeys(expand for revision in pending for expand in revision.contract_of) if schema else {}
    lacking = {id_: tuple(one for one in code if id_ not in included(found, one.schema)) for id_ in wanted}
    return {id_: ones for id_, ones in lacking.items() if ones}


def refusal(
    found: Revisions, pending: Sequence[Revision], lacking: Mapping[str, tuple[Code, ...]], next_step: str
) -> Failed:
    """Return CONTRACT_TOO_EARLY with both revisions and the code between them."""
    contracts = [revision for revision in pending if set(revision.contract_of) & set(lacking)]
    expands = [found.known[id_] for id_ in lacking]
    return fail(
        "CONTRACT_TOO_EARLY",
        f"{_named(contracts)} would break code that does not have {_named(expands)}",
        *dict.fromkeys(str(one) for ones in lacking.values() for one in ones),
        hint=next_step,
    )


def between(
    records: Sequence[ReleaseRecord], found: Revisions, expands: Collection[str], contracts: Collection[str]
) -> ReleaseRecord | None:
    """Return the newest release that passed, has the expand revisions, and has no contract revision yet."""
    for record in reversed(records):
        has = included(found, record.image_schema)
        if record.good and has.issuperset(expands) and has.isdisjoint(contracts):
            return record
    return None


def broken_by(found: Revisions, code: str, newer: Sequence[migrations.Revision]) -> list[str]:
    """Return the newer revisions on which code at `code` does not work, each with the reason."""
    has, lines = included(found, code), []
    for revision in newer:
        if revision.id in has:
            continue
        if missing := [id_ for id_ in revision.contract_of if id_ not in has]:
            lines.append(f"{revision.id}: removes what code before {', '.join(missing)} uses")
        elif revision.destructive:
            lines.append(f"{revision.id}: {', '.join(revision.reasons)}")
    return lines


def fitting(found: Revisions, records: Sequence[ReleaseRecord], newer: Sequence[migrations.Revision]) -> list[str]:
    """Return the numbers of the releases that passed and whose code works on all of the newer revisions."""
    return [
        str(record.number)
        for record in records
        if record.good and record.image_schema in found.known and not broken_by(found, record.image_schema, newer)
    ]


def _named(revisions: Sequence[Revision]) -> str:
    named = ", ".join(f"{one.id} ({one.message})" if one.message else one.id for one in revisions)
    return f"revision{'' if len(revisions) == 1 else 's'} {named}"
