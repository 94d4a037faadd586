"""Verdicts on revisions and executions, from conditions of Knative (measured) and of Cloud Run (documented)."""

import pytest

from toolkit.deploy.places.cloudrun import executions, verdict
from toolkit.deploy.places.cloudrun.executions import Ended
from toolkit.deploy.places.cloudrun.state import Condition, Revision

LISTENS = (
    "The user-provided container failed to start and listen on the port defined provided by the PORT=8000 environment "
    "variable within the allocated timeout."
)


def revision(status: str, reason: str = "", message: str = "") -> Revision:
    return Revision("shop-a", Condition(status, reason, message), Condition())


@pytest.mark.parametrize(
    ("reason", "message", "code", "exit_code"),
    [
        ("ExitCode17", "Container failed with: starting up\ncannot open the flux capacitor\n", "CRASH_LOOP", 17),
        ("ExitCode137", "Container failed with: ", "OUT_OF_MEMORY", 137),
        ("ExitCode78", "Container failed with: JWT_KEY is missing", "SETTINGS_REFUSED", 78),
        ("ExitCode127", "", "START_ERROR", 127),
        ("ErrImagePull", "code = NotFound", "IMG_NOT_FOUND", None),
        ("ContainerMissing", "Image 'x' not found.", "IMG_NOT_FOUND", None),
        ("ContainerPermissionDenied", "", "IMG_DENIED", None),
        ("CreateContainerConfigError", 'secret "nothere" not found', "SECRET_NOT_FOUND", None),
        ("SecretsAccessCheckFailed", "", "SECRET_NOT_FOUND", None),
        ("ProgressDeadlineExceeded", "ReplicaSet has timed out progressing.", "NOT_READY", None),
        ("HealthCheckContainerError", LISTENS, "NOT_READY", None),
        ("HealthCheckContainerError", "The container exited with an error.", "CRASH_LOOP", None),
        ("HealthCheckContainerError", "Container called exit(3).", "CRASH_LOOP", 3),
        ("HealthCheckContainerError", "Memory limit of 256 MiB exceeded", "OUT_OF_MEMORY", None),
        ("Mystery", "", "REVISION_FAILED", None),
    ],
)
def test_failed_revision(reason: str, message: str, code: str, exit_code: int | None) -> None:
    found = verdict.judge(revision("False", reason, message), 1, 300)
    assert found
    assert (found.code, found.exit_code) == (code, exit_code)
    assert found.hint


def test_last_lines_are_shown_without_the_platforms_words() -> None:
    found = verdict.judge(revision("False", "ExitCode17", "Container failed with: one\n\ntwo\n"), 1, 300)
    assert found
    assert found.lines == ("one", "two")


@pytest.mark.parametrize("reason", ["Unschedulable", "Deploying", "MinInstancesWarming"])
def test_passing_states_are_fatal_only_after_the_limit(reason: str) -> None:
    assert verdict.judge(revision("False", reason), 299, 300) is None
    found = verdict.judge(revision("False", reason), 301, 300)
    assert found
    assert found.code == "NOT_READY"


def test_ready_and_not_yet_created() -> None:
    assert verdict.judge(revision("True"), 999, 300) is None
    assert verdict.judge(None, 1, 300) is None
    assert verdict.judge(None, 301, 300)


@pytest.mark.parametrize(
    ("ended", "lines", "code"),
    [
        (Ended("m", False, 1, "NonZeroExitCode", "failed"), (), "MIGRATION_FAILED"),
        (Ended("m", False, 75), (), "MIGRATION_LOCKED"),
        (Ended("m", False, 69), (), "DATABASE_UNREACHABLE"),
        (Ended("m", False, 137), (), "OUT_OF_MEMORY"),
        (Ended("m", False, None, "ContainerMissing", "Image not found."), (), "IMG_NOT_FOUND"),
        (Ended("m", False, None, "", "The configured timeout was reached."), (), "MIGRATION_TIMEOUT"),
        (Ended("m", False, None, "SecretsAccessCheckFailed", ""), (), "SECRET_NOT_FOUND"),
    ],
)
def test_failed_migration(ended: Ended, lines: tuple[str, ...], code: str) -> None:
    assert executions.cause(ended, lines)[0] == code
