"""The history of releases: who releases, when, and which release a rollback goes back to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from toolkit.deploy.current_user import whoami
from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.records import GOOD, ReleaseRecord, last_good

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Failure
    from toolkit.deploy.release.state import Known, Target


def rollback_target(records: Sequence[ReleaseRecord], running: str, to: int | None) -> ReleaseRecord:
    """Return the target of a rollback: release `to`, or the last good one with a different image or objects.

    A deploy that only takes back a change made by hand adds a release like the one before it.
    Raises Failed NO_SUCH_RELEASE, NOTHING_TO_ROLL_BACK_TO.
    """
    if to is not None:
        chosen = next((record for record in records if record.number == to), None)
        if chosen is None or not chosen.good:
            known = ", ".join(str(record.number) for record in records if record.good) or "none"
            raise fail(
                "NO_SUCH_RELEASE",
                f"release {to} does not exist, or did not pass its smoke test",
                f"releases that passed: {known}",
                hint="`python3 tasks.py history ENV`",
            )
        return chosen
    current = last_good(records)
    broken = current is not None and current.digest != running
    others = [record for record in records if current is None or not _is_same(record, current)]
    chosen = current if broken else last_good(others, current.number if current else None)
    if chosen is None:
        raise fail(
            "NOTHING_TO_ROLL_BACK_TO", "no earlier release passed its smoke test", hint="deploy a working version"
        )
    return chosen


def _is_same(record: ReleaseRecord, other: ReleaseRecord) -> bool:
    return (record.digest, record.objects) == (other.digest, other.objects)


def actor() -> str:
    return os.environ.get("GITHUB_ACTOR") or whoami()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def run_url() -> str:
    """Return the pipeline's page of this run, in a pipeline."""
    env = os.environ
    if env.get("DEPLOY_RUN_URL"):
        return env["DEPLOY_RUN_URL"]
    if env.get("GITHUB_RUN_ID"):
        return f"{env.get('GITHUB_SERVER_URL')}/{env.get('GITHUB_REPOSITORY')}/actions/runs/{env['GITHUB_RUN_ID']}"
    return ""


def new_record(target: Target, known: Known, outcome: str, reason: str = "") -> ReleaseRecord:
    """The record of this release as far as it got."""
    env, records, spec = target.environment, target.place.records(), target.spec(known)
    commit, time, image_commit = _provenance(target, known)
    return ReleaseRecord(
        number=records[-1].number + 1 if records else 1,
        digest=known.digest or "",
        image=f"{env.repository}@{known.digest}" if known.digest else "",
        outcome=outcome,
        driver=env.driver,
        at=now(),
        actor=actor(),
        git=commit,
        commit_time=time,
        image_commit=image_commit,
        run_url=run_url(),
        reason=reason,
        schema_before=known.schema_before,
        schema_after=known.schema_after or known.schema_before,
        image_schema=known.image_schema or "",
        rollback_of=known.again.number if known.again else None,
        helm_revision=known.revision,
        objects=target.place.kept_objects(spec) if spec and outcome == GOOD else (),
        seconds={name: round(spent, 2) for name, spent in known.seconds.items()},
    )


def record_failure(target: Target, known: Known, failure: Failure, outcome: str) -> None:
    """Kept for `history`; never the reason why a deploy fails."""
    try:
        record = target.place.write_record(new_record(target, known, outcome, failure.code))
        target.report.note(f"recorded as release {record.number} ({outcome})")
    except Failed as error:
        target.report.note(f"not recorded: {error.failure.message}")


def record_operation(target: Target, outcome: str, detail: str) -> None:
    """Kept for `history`; never the reason why an operation fails. Old ones are removed."""
    records = target.place.records()
    number = records[-1].number + 1 if records else 1
    made = ReleaseRecord(number, "", "", outcome, target.environment.driver, now(), actor(), run_url=run_url())
    try:
        target.place.write_record(replace(made, reason=detail))
    except Failed as error:
        target.report.note(f"not recorded: {error.failure.message}")


def _provenance(target: Target, known: Known) -> tuple[str, str, str]:
    """Return the commit, its time, and the image's commit for the record. A rollback uses those of its release."""
    if known.again is not None:
        return known.again.git, known.again.commit_time, known.again.image_commit
    here = target.checkout
    return (here.revision, here.commit.time, known.image_commit) if here else ("", "", known.image_commit)
