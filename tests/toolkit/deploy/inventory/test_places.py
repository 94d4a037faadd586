"""The key `place`: one inventory holds environments of several places."""

from pathlib import Path

import pytest

from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.machine import Host, MachineEnvironment
from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Failed

INVENTORY = """
all:
  resources: {memory_limit: 300Mi}
  network_policy: {enabled: false}
cluster:
  autoscale: {min: 2, max: 3}
plain: {}
machine:
  place: machine
  hosts: [deploy@203.0.113.7, {ssh: "deploy@shop.example:2222", host_key: ssh-ed25519 AAAAC3Nz}]
run:
  place: cloudrun
  project: shop-project
  region: europe-west1
  secret: {store: google, keys: {DATABASE_URL: database}}
wrong:
  place: machine
  hosts: [deploy@203.0.113.7]
  autoscale: {min: 2, max: 3}
nowhere:
  place: mashine
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "inventory.yaml").write_text(INVENTORY)
    (tmp_path / "service.toml").write_text('[service]\nname = "lamps"\nimage = "registry.example/lamps"\n')
    return tmp_path


def test_each_environment_has_the_keys_of_its_place(project: Path) -> None:
    cluster, machine = (load.load(project, name, (), {}) for name in ("cluster", "machine"))
    assert isinstance(cluster, KubernetesEnvironment)
    assert isinstance(machine, MachineEnvironment)
    assert machine.resources.memory_limit == cluster.resources.memory_limit == "300Mi"
    assert machine.project == cluster.namespace.replace("cluster", "machine")
    assert machine.secret.from_env == ("DATABASE_URL",)
    assert (machine.hosts[1].destination, machine.hosts[1].port, machine.hosts[1].name) == (
        "deploy@shop.example",
        2222,
        "shop.example",
    )


@pytest.mark.parametrize(
    ("name", "extra", "expected"),
    [
        ("wrong", (), "autoscale: not a key of place machine"),
        ("nowhere", (), "place: unknown place 'mashine'"),
        ("machine", ("hosts=[]",), "hosts"),
        ("machine", ("hosts=[deploy@203.0.113.7, deploy@203.0.113.7]",), "the same machine is listed twice"),
        ("machine", ("hosts=['-oProxyCommand=evil']",), "expected [user@]name[:port]"),
        ("machine", ("secret={name: shop}",), "takes secrets from your environment"),
        ("machine", ("replicas=9",), "replicas"),
        ("machine", ('processes={a: {command: [b], schedule: "0 0 30 2 *"}}',), "it has no day"),
        ("machine", ("proxy.domian=a.example",), "did you mean domain"),
        ("run", ("secret={from_env: [DATABASE_URL]}",), "Cloud Run reads secrets from Google Secret Manager"),
        ("run", ("secret={store: google, keys: {A: b#c}}",), "not a property"),
        ("run", ("secret={store: google, keys: {A: other/b}}",), "of its own project"),
        ("run", ("replicas=11",), "max_instances"),
        ("run", ("graceful_seconds=9", "drain_seconds=2"), "after 10 s"),
        ("run", ("processes={worker: {command: [work]}}",), "run it in a worker pool"),
        ("run", ("canary=[50, 10]",), "rising percentages"),
        ("run", ("canary=[50]", "settings.METRICS_PORT=9000"), "METRICS_PORT"),
        ("run", ("namespace=shop",), "not a key of place cloudrun"),
    ],
)
def test_mistakes(project: Path, name: str, extra: tuple[str, ...], expected: str) -> None:
    with pytest.raises(Failed) as failed:
        load.load(project, name, extra, {})
    assert failed.value.failure.code == "INVENTORY_INVALID"
    assert expected in str(failed.value)


def test_place_may_come_from_the_command_line(project: Path) -> None:
    made = load.load(project, "plain", ("place=machine", "hosts=[deploy@203.0.113.7]"), {})
    assert isinstance(made, MachineEnvironment)


def test_variables_reach_keys_of_every_place(project: Path) -> None:
    made = load.load(project, "machine", (), {"DEPLOY_PROXY__HTTP_PORT": "8080", "DEPLOY_SETTINGS__LOG_LEVEL": "DEBUG"})
    assert made.proxy.http_port == 8080
    assert made.settings["LOG_LEVEL"] == "DEBUG"


def test_alias_of_an_ssh_configuration_is_a_host() -> None:
    assert Host(ssh="web-1").destination == "web-1"
