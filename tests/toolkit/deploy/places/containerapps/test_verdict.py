"""The verdict on a revision, by what Azure reports: real messages, each with its code."""

import pytest

from tests.toolkit.deploy.places.containerapps.made import revision
from toolkit.deploy.places.azure import errors
from toolkit.deploy.places.containerapps import verdict
from toolkit.deploy.places.containerapps.state import Replica

INVALID = (
    "Failed to provision revision for container app 'shop'. Error details: The following field(s) are either invalid "
    "or missing. Field '{}' is invalid with details: {}"
)
IMAGE, SECRETS = "template.containers.app.image", "configuration.secrets"


@pytest.mark.parametrize(
    ("field", "details", "code"),
    [
        (IMAGE, 'GET https:: MANIFEST_UNKNOWN: manifest tagged by "latest" is not found', "IMG_NOT_FOUND"),
        (IMAGE, "failed to resolve registry 'nowhere.azurecr.io': no such host", "IMG_NOT_FOUND"),
        (IMAGE, "GET https:?scope=repository: UNAUTHORIZED: authentication required", "IMG_DENIED"),
        (IMAGE, "unable to pull image using Managed identity /subscriptions/x for registry y", "IMG_DENIED"),
        (SECRETS, "Unable to get value using Managed identity system for secret x", "SECRET_NOT_FOUND"),
        ("template.scale", "MaxNumberOfReplicas exceeded quota", "QUOTA"),
        ("template.scale.maxReplicas", "must be at most 1000", "AZURE_REFUSED"),
    ],
)
def test_operation_that_fails(field: str, details: str, code: str) -> None:
    failed = errors.refused("ContainerAppOperationError", INVALID.format(field, details), "app shop")
    assert failed.failure.code == code
    assert details.split(":")[0] in str(failed)


def ended(code: int, reason: str = "ProcessExited") -> str:
    return f"Container 'app' was terminated with exit code '{code}' and reason '{reason}'"


BROKEN = Replica("shop--r1-x", ready=False, restarts=3, details="CrashLoopBackOff")
STARTING = Replica("shop--r1-x", ready=False, restarts=0)


@pytest.mark.parametrize(
    ("events", "code", "exit_code"),
    [
        ([ended(1)], "CRASH_LOOP", 1),
        ([ended(1), ended(78)], "SETTINGS_REFUSED", 78),
        ([ended(137, "OOMKilled")], "OUT_OF_MEMORY", 137),
        ([ended(127)], "START_ERROR", 127),
        ([ended(1, "ContainerCreateFailure")], "START_ERROR", 1),
        (["Container 'app' was terminated with exit code '137'"], "OUT_OF_MEMORY", 137),
        ([], "CRASH_LOOP", None),
    ],
)
def test_container_that_ends(events: list[str], code: str, exit_code: int | None) -> None:
    found = verdict.judge(revision(running="Degraded"), [BROKEN], events, 5, 60)
    assert found
    assert (found.code, found.exit_code) == (code, exit_code)


@pytest.mark.parametrize(
    ("given", "replicas", "seconds", "code"),
    [
        ({}, [], 0, ""),
        ({"running": "RunningAtMaxScale"}, [], 0, ""),
        ({"running": "ScaledToZero", "health": "None"}, [], 0, ""),
        ({"running": "Processing"}, [STARTING], 59, ""),
        ({"running": "Processing"}, [STARTING], 61, "NOT_READY"),
        ({"health": "Unhealthy"}, [STARTING], 61, "NOT_READY"),
        ({"running": "ActivationFailed"}, [STARTING], 1, "NOT_READY"),
        ({"provisioning": "Failed", "error": "odd"}, [], 1, "REVISION_FAILED"),
        ({"provisioning": "Failed", "error": "ErrImagePull"}, [], 1, "IMG_NOT_FOUND"),
        ({"active": False}, [], 61, "NOT_READY"),
    ],
)
def test_revision(given: dict[str, object], replicas: list[Replica], seconds: float, code: str) -> None:
    found = verdict.judge(revision(**given), replicas, [], seconds, 60)
    assert (found.code if found else "") == code


def test_revision_that_is_missing() -> None:
    assert verdict.judge(None, [], [], 59, 60) is None
    found = verdict.judge(None, [], [], 61, 60)
    assert found
    assert found.code == "NOT_READY"


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (401, "AZURE_NOT_LOGGED_IN", 6),
        (403, "AZURE_DENIED", 6),
        (404, "AZURE_NOT_FOUND", 6),
        (409, "AZURE_BUSY", 70),
        (429, "AZURE_UNAVAILABLE", 70),
        (400, "AZURE_REFUSED", 6),
    ],
)
def test_answer(status: int, code: str, exit_code: int) -> None:
    failed = errors.failure(status, '{"error": {"code": "Odd", "message": "because"}}', "app shop")
    assert failed.failure.code == code
    assert "Odd: because" in str(failed)
    assert failed.exit == exit_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"error": {"code": "A", "message": "b"}}', ("A", "b")),
        ('{"code": "A", "message": "b"}', ("A", "b")),
        ("<html>", ("", "<html>")),
        ("", ("", "no reason given")),
        ("[]", ("", "[]")),
    ],
)
def test_message_of_an_answer(text: str, expected: tuple[str, str]) -> None:
    assert errors.said(text) == expected
