"""The commands of the Helm CLI that change a release, and the failures that it reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import process
from toolkit.deploy.outcomes import Outcome, fail
from toolkit.deploy.places.kubernetes.connect import helm_arguments
from toolkit.deploy.places.kubernetes.refusals import refusal_in

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

SPARE_REVISIONS = 10


def upgrade_command(place: KubernetesPlace, path: Path) -> list[str]:
    """Pure."""
    command = ["helm", "upgrade", "--install", place.service, str(place.project / "helm")]
    command += [*helm_arguments(place.environment), "--values", str(path), *_history(place)]
    # An existing object does not belong to a Helm release; without the second option it is refused.
    return [*command, "--force-conflicts", "--take-ownership"] if place.correct_drift else command


def rollback_command(place: KubernetesPlace, revision: int) -> list[str]:
    """Return the argument list of a rollback. The revision is explicit: without it Helm chose another bad one. Pure."""
    command = ["helm", "rollback", place.service, str(revision), *helm_arguments(place.environment)]
    return [*command, *_history(place), "--force-conflicts"]


def _history(place: KubernetesPlace) -> list[str]:
    """More revisions than releases are on record, as a release that is taken back makes two."""
    return ["--history-max", str(place.environment.history + SPARE_REVISIONS)]


def run(command: list[str]) -> Outcome:
    done = process.run(command, seconds=300)
    if done.code:
        evidence = done.err.strip().splitlines()[-6:]
        if known := refusal_in(done.err):
            raise fail(known.code, known.title, *evidence, hint=known.hint)
        code = "DRIFT" if "conflict" in done.err.lower() else "HELM_FAILED"
        raise fail(
            code,
            f"`{' '.join(command[:4])}` failed",
            *evidence,
            hint="correct the error reported by Helm above, then deploy again",
        )
    return Outcome()
