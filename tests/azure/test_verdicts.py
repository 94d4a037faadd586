"""Releases that fail on Container Apps: each has its code and cause, and the one before serves all the time."""

from typing import Any

import pytest

from tests.support.azure import ACCOUNT, APP, MISSING, SECRET, AzureStage, only

pytestmark = pytest.mark.drill(minutes=3)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"exits": 17, "line": "cannot open the flux capacitor"}, ("CRASH_LOOP", "exit code 17", "flux capacitor")),
        ({"exits": 137, "reason": "OOMKilled"}, ("OUT_OF_MEMORY", "exit code 137", "raise `cpu`")),
        ({"exits": 78, "line": "settings: HOST is wrong"}, ("SETTINGS_REFUSED", "HOST is wrong")),
        ({"ready": False, "line": "up but deaf"}, ("NOT_READY", "up but deaf", "after 6 s")),
    ],
)
def test_failing_release_is_put_back(running: AzureStage, given: dict[str, Any], expected: tuple[str, ...]) -> None:
    running.add("bad", **given)
    with running.clients() as seen:
        ended = running.deploy("bad", "-e", "rollout_seconds=6")
    assert ended.code == 3, ended
    for text in expected:
        assert text in ended.out, ended
    assert running.traffic() == only(running.digests["v1"])
    assert set(seen) == {200}, seen
    assert len(running.active()) == 1, "the failed revision has no replicas any more"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"migrates": 1, "line": "relation exists"}, ("MIGRATION_FAILED", "exit code 1", "relation exists")),
        ({"migrates": 69, "line": "no route"}, ("DATABASE_UNREACHABLE", "exit code 69", "no route")),
    ],
)
def test_failing_migration_leaves_the_release(
    running: AzureStage, given: dict[str, Any], expected: tuple[str, ...]
) -> None:
    running.add("bad", **given)
    revisions = list(running.azure.revisions[APP])
    with running.rotated():
        ended = running.deploy("bad")
    assert ended.code == 3, ended
    for text in expected:
        assert text in ended.out, ended
    assert "the running release was not changed" in ended.out
    assert list(running.azure.revisions[APP]) == revisions


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ((f"image={MISSING}",), "IMG_NOT_FOUND"),
        ((f"secret={{store: azure, keys: {{DATABASE_URL: {SECRET}-2}}}}",), "SECRET_NOT_FOUND"),
        (("secret={from_env: [DATABASE_URL]}",), "Azure Key Vault"),
        (("app=UPPER",), "INVENTORY_INVALID"),
        (("cpu=0.3",), "steps of 0.25"),
        (("template={volume: []}",), "template: volume: unknown key; did you mean volumes?"),
        (("environment=elsewhere",), "ENVIRONMENT_NOT_FOUND"),
        (("resource_group=elsewhere",), "ENVIRONMENT_NOT_FOUND"),
    ],
)
def test_refused_before_anything_changes(running: AzureStage, keys: tuple[str, ...], expected: str) -> None:
    running.azure.writes.clear()
    image = "" if keys[0].startswith("image=") else "v2"
    ended = running.task("deploy", "--yes", *(part for key in keys for part in ("-e", key)), image=image)
    assert ended.code == 6, ended
    assert expected in ended.out
    assert running.azure.writes == []


def test_image_that_only_azure_cannot_pull(running: AzureStage) -> None:
    """Azure ends the operation with an error: there is no revision."""
    digest = running.add("private")
    del running.azure.images[digest]
    running.azure.writes.clear()
    running.azure.images["migration"] = running.azure.images[running.digests["v1"]]
    ended = running.deploy("private")
    assert ended.code == 3, ended
    assert "IMG_NOT_FOUND" in ended.out
    assert "MANIFEST_UNKNOWN" in ended.out
    assert running.traffic() == only(running.digests["v1"])


def test_first_release_that_fails_has_no_way_back_and_can_be_corrected(actor: AzureStage) -> None:
    with actor.fresh() as stage:
        stage.add("bad", exits=17)
        first = stage.deploy("bad")
        assert first.code == 4, first
        assert "CRASH_LOOP" in first.out
        second = stage.deploy("v1")
        assert second.code == 0, second
        assert stage.traffic() == only(stage.digests["v1"])


def test_without_azure_identity_one_line_names_the_command(running: AzureStage) -> None:
    ended = running.deploy("v2", PYTHONPATH="")
    assert ended.code == 6, ended
    assert "AZURE_IDENTITY_MISSING" in ended.out
    assert "uv add --dev azure-identity" in ended.out
    assert "Traceback" not in ended.out


def test_secret_with_a_value_is_not_written_over(running: AzureStage) -> None:
    secrets = running.azure.apps[APP]["properties"]["configuration"]["secrets"]
    secrets.append({"name": "by-hand"})
    try:
        ended = running.deploy("v2")
    finally:
        secrets[:] = secrets[:1]
    assert ended.code == 3, ended
    assert "SECRET_VALUE" in ended.out
    assert ACCOUNT not in ended.out
