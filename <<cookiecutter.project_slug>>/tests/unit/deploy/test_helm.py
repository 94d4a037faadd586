"""Helm's argument lists and values, as values."""

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from deploy import helm
from deploy.environment import Environment
from deploy.release import Release
from deploy.target import Options

DIGEST = "sha256:" + "a" * 64


def environment(**changes: Any) -> Environment:
    base = {"name": "staging", "namespace": "n", "repository": "r", "secret": {"from_env": ["DATABASE_URL"]}}
    return Environment.model_validate({**base, **changes})


def target(**options: bool) -> Any:
    facts = SimpleNamespace(name="lamps")
    return SimpleNamespace(
        facts=facts, project=Path("p"), environment=environment(context="c"), options=Options(**options)
    )


def test_an_upgrade_neither_waits_nor_rolls_back() -> None:
    command = helm.upgrade_command(target(), Path("values.json"))
    assert command[:5] == ["helm", "upgrade", "--install", "lamps", "p/helm"]
    assert command[5:] == ["--namespace", "n", "--kube-context", "c", "--values", "values.json", "--history-max", "20"]
    assert not {"--wait", "--atomic", "--rollback-on-failure", "--set", "--force-conflicts"} & set(command)
    assert helm.upgrade_command(target(correct_drift=True), Path("v"))[-2:] == ["--force-conflicts", "--take-ownership"]


def test_a_rollback_names_its_revision() -> None:
    assert helm.rollback_command(target(), 7)[:4] == ["helm", "rollback", "lamps", "7"]


def test_values_are_the_inventorys_keys() -> None:
    release = Release("lamps", environment(port=9000), DIGEST, {"DATABASE_URL": "x"}, 2)
    values = helm.values(release, config=False, job=False)
    assert set(helm.KEYS) <= set(values)
    assert (values["port"], values["replicas"], values["digest"]) == (9000, 2, DIGEST)
    assert values["secret"]["data"] == {"DATABASE_URL": "eA=="}
    assert values["create"] == {"config": False, "job": False}


def test_only_we_may_read_the_values() -> None:
    with helm.values_file({"secret": "x"}) as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_what_helm_adds_when_it_applies() -> None:
    item = {"kind": "Service", "metadata": {"name": "lamps", "labels": {"a": "b"}}}
    owned = helm.as_owned(item, "lamps", "n")
    assert owned["metadata"]["labels"] == {"a": "b", "app.kubernetes.io/managed-by": "Helm"}
    assert owned["metadata"]["annotations"] == {
        "meta.helm.sh/release-name": "lamps",
        "meta.helm.sh/release-namespace": "n",
    }
    assert "annotations" not in item["metadata"]
