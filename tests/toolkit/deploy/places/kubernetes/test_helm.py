"""Helm's argument lists and values, as values."""

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.programs import write_program
from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes import helm_commands, helm_ownership, helm_values
from toolkit.deploy.places.kubernetes.apply import Look
from toolkit.deploy.spec import ReleaseSpec

DIGEST = "sha256:" + "a" * 64


def environment(**changes: Any) -> KubernetesEnvironment:
    base = {"name": "staging", "namespace": "n", "repository": "r", "secret": {"from_env": ["DATABASE_URL"]}}
    return KubernetesEnvironment.model_validate({**base, **changes})


def target(**options: bool) -> Any:
    correct_drift = options.get("correct_drift", False)
    return SimpleNamespace(
        service="lamps", project=Path("p"), environment=environment(context="c"), correct_drift=correct_drift
    )


@pytest.mark.parametrize(
    ("told", "version"),
    [("v4.3", (4, 3)), ("v3.19.0", (3, 19)), ("4.0.1+g123", (4, 0)), ("v10.0.0", (10, 0)), ("", None), ("error", None)],
)
def test_versions(told: str, version: tuple[int, int] | None) -> None:
    assert helm_ownership.parse_version(told) == version


@pytest.mark.parametrize(("told", "accepted"), [("v3.19.0", False), ("v4.0.0", True), ("v10.1.0", True), ("", False)])
def test_a_helm_that_cannot_go_back_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, accepted: bool
) -> None:
    """Helm 3 upgrades, and then has no --force-conflicts for the way back."""
    write_program(tmp_path / "helm", f"#!/bin/sh\necho '{told}'\n")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    if accepted:
        assert helm_ownership.require() == told
        return
    with pytest.raises(Failed) as caught:
        helm_ownership.require()
    assert caught.value.failure.code == "HELM_VERSION"
    assert told in caught.value.failure.message
    assert "4.0 or newer" in caught.value.failure.message


def test_an_upgrade_neither_waits_nor_rolls_back() -> None:
    command = helm_commands.upgrade_command(target(), Path("values.json"))
    assert command[:5] == ["helm", "upgrade", "--install", "lamps", "p/helm"]
    assert command[5:] == ["--namespace", "n", "--kube-context", "c", "--values", "values.json", "--history-max", "20"]
    assert not {"--wait", "--atomic", "--rollback-on-failure", "--set", "--force-conflicts"} & set(command)
    command = helm_commands.upgrade_command(target(correct_drift=True), Path("v"))
    assert command[-2:] == [
        "--force-conflicts",
        "--take-ownership",
    ]


def test_a_rollback_names_its_revision() -> None:
    assert helm_commands.rollback_command(target(), 7)[:4] == ["helm", "rollback", "lamps", "7"]


def test_values_are_the_inventorys_keys() -> None:
    release = ReleaseSpec("lamps", environment(port=9000), DIGEST, {"DATABASE_URL": "x"}, 2)
    values = helm_values.values(release, config=False, job=False)
    assert set(helm_values.KEYS) <= set(values)
    assert (values["port"], values["replicas"], values["digest"]) == (9000, 2, DIGEST)
    assert values["secret"]["data"] == {"DATABASE_URL": "eA=="}
    assert values["create"] == {"config": False, "job": False}


def test_only_we_may_read_the_values() -> None:
    with helm_values.values_file({"secret": "x"}) as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_what_helm_adds_when_it_applies() -> None:
    item = {"kind": "Service", "metadata": {"name": "lamps", "labels": {"a": "b"}}}
    owned = helm_ownership.as_owned(item, "lamps", "n")
    assert owned["metadata"]["labels"] == {"a": "b", "app.kubernetes.io/managed-by": "Helm"}
    assert owned["metadata"]["annotations"] == {
        "meta.helm.sh/release-name": "lamps",
        "meta.helm.sh/release-namespace": "n",
    }
    assert "annotations" not in item["metadata"]


def test_the_databases_authority_is_among_the_charts_values() -> None:
    release = ReleaseSpec("lamps", environment(database_ca={"secret": "company"}), DIGEST, {"DATABASE_URL": "x"}, 2)
    values = helm_values.values(release)
    assert [volume["name"] for volume in values["volumes"]] == ["database-ca"]
    assert [mount["mountPath"] for mount in values["volume_mounts"]] == ["/etc/database-ca"]
    assert values["settings"]["POSTGRES_SSLROOTCERT"] == "/etc/database-ca/ca.crt"


def look(name: str, release: str = "", namespace: str = "n") -> Look:
    """A Service as Helm made it for a release; without one, as another tool did."""
    item: dict[str, Any] = {"kind": "Service", "metadata": {"name": name}}
    return Look(item, helm_ownership.as_owned(item, release, namespace) if release else item, item)


@pytest.mark.parametrize(
    ("looks", "flag", "said"),
    [
        ([look("a", "lamps")], False, ""),
        ([Look({"kind": "Service", "metadata": {"name": "a"}}, None, None)], False, ""),
        ([look("a", "lamps"), look("b")], False, "Service/b belongs to no Helm release"),
        ([look("b")], True, ""),
        ([look("c", "other")], True, "Service/c belongs to the Helm release n/other"),
        ([look("c", "lamps", "elsewhere")], False, "Service/c belongs to the Helm release elsewhere/lamps"),
    ],
)
def test_objects_of_others_are_refused_before_helm_meets_them(looks: list[Look], flag: bool, said: str) -> None:
    if not said:
        helm_ownership.require_ownership(looks, "n/lamps", correct_drift=flag)
        return
    with pytest.raises(Failed) as caught:
        helm_ownership.require_ownership(looks, "n/lamps", correct_drift=flag)
    assert caught.value.failure.code == "NOT_HELMS"
    assert said in caught.value.failure.evidence
    assert ("--correct-drift" in caught.value.failure.hint) is (not flag and "no Helm" in said)
