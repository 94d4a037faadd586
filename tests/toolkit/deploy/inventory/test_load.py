"""Environments: precedence, origins, and mistakes that name what was meant."""

from pathlib import Path

import pytest

from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.variables import near_misses
from toolkit.deploy.outcomes import Failed

INVENTORY = """
all:
  resources: {memory_limit: 300Mi}
  settings: {LOG_LEVEL: INFO}
staging:
  replicas: 2
  settings: {EXTRA: "1"}
production:
  confirm: true
"""
SERVICE = """
[service]
name = "lamps"
image = "registry.example/lamps"
[answers]
driver = "helm"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "inventory.yaml").write_text(INVENTORY)
    (tmp_path / "service.toml").write_text(SERVICE)
    return tmp_path


def test_the_service_gives_what_is_left_out(project: Path) -> None:
    environment = load.load(project, "staging", (), {})
    assert environment.driver == "helm"
    assert environment.namespace == "lamps-staging"
    assert environment.repository == "registry.example/lamps"
    assert environment.secret.name == "lamps"
    assert environment.settings == {"ENVIRONMENT": "staging", "LOG_LEVEL": "INFO", "EXTRA": "1"}


def test_later_sources_win_key_by_key(project: Path) -> None:
    variables = {"DEPLOY_REPLICAS": "4", "DEPLOY_RESOURCES__CPU_REQUEST": "1", "DEPLOY_SMOKE_TOKEN": "not a key"}
    environment = load.load(project, "staging", ("replicas=5", "settings.LOG_LEVEL=DEBUG"), variables)
    assert environment.replicas == 5
    assert environment.resources.model_dump() == {
        "cpu_request": "1",
        "cpu_limit": None,
        "memory_request": "128Mi",
        "memory_limit": "300Mi",
    }
    assert environment.settings["LOG_LEVEL"] == "DEBUG"


def test_a_key_of_a_map_may_have_dots(project: Path) -> None:
    pairs = ("labels.example.com/team=lamps", "ingress={host: a.example}", "ingress.annotations.x.example/y=z")
    environment = load.load(project, "staging", (*pairs, "node_selector.kubernetes.io/arch=arm64"), {})
    assert environment.labels == {"example.com/team": "lamps"}
    assert environment.node_selector == {"kubernetes.io/arch": "arm64"}
    assert environment.ingress.annotations == {"x.example/y": "z"}


def test_a_secret_of_another_kind_replaces_the_block(project: Path) -> None:
    environment = load.load(project, "staging", ("secret={from_env: [DATABASE_URL]}",), {})
    assert environment.secret.from_env == ("DATABASE_URL",)
    assert environment.secret.name is None


@pytest.mark.parametrize(
    ("name", "extra", "code", "said"),
    [
        ("staging", "replicsa=3", "INVENTORY_INVALID", "did you mean replicas?"),
        (
            "staging",
            "resources.memory=1Gi",
            "INVENTORY_INVALID",
            "resources.memory: unknown key; did you mean memory_limit?",
        ),
        ("staging", "autoscale={mni: 3}", "INVENTORY_INVALID", "did you mean min?"),
        ("staging", "replicas=many", "INVENTORY_INVALID", "replicas: "),
        ("staging", "secret={}", "INVENTORY_INVALID", "exactly one of"),
        ("staging", "namespace=Upper", "INVENTORY_INVALID", "namespace: "),
        ("staging", "resources.cpu_limit=10x", "INVENTORY_INVALID", "resources.cpu_limit: expected a quantity"),
        ("staging", "resources.cpu_limit=-1", "INVENTORY_INVALID", "resources.cpu_limit: expected a quantity"),
        ("staging", "resources={cpu_limit: 50m}", "INVENTORY_INVALID", "cpu_request 100m is more than cpu_limit 50m"),
        ("staging", "port=99999", "INVENTORY_INVALID", "port: "),
        ("staging", "probes.live_period=0", "INVENTORY_INVALID", "probes.live_period: "),
        ("staging", "settings.A=\udcff", "INVENTORY_INVALID", "settings.A: the text is not valid UTF-8"),
        ("staging", "settings.A=[1]", "INVENTORY_INVALID", "settings.A: "),
        ("staging", "no-equals-sign", "INVENTORY_INVALID", "expected key=value"),
        ("stagign", "replicas=3", "INVENTORY_UNKNOWN_ENVIRONMENT", "did you mean staging?"),
        ("local", "replicas=3", "INVENTORY_LOCAL", "tasks.py up"),
    ],
)
def test_mistakes(project: Path, name: str, extra: str, code: str, said: str) -> None:
    with pytest.raises(Failed) as caught:
        load.load(project, name, (extra,), {})
    assert caught.value.failure.code == code
    assert said in str(caught.value)


def test_a_value_is_not_a_block_as_well(project: Path) -> None:
    with pytest.raises(Failed) as caught:
        load.load(project, "staging", ("replicas=3", "replicas.min=1"), {})
    assert caught.value.failure.code == "INVENTORY_INVALID"
    assert "replicas.min" in caught.value.failure.message


def test_a_character_beyond_the_first_plane_is_one_character(project: Path) -> None:
    """As itself, and as the two escapes that a JSON encoder writes."""
    for given in ("settings.A=\U0001f4a1", 'settings.A="\\ud83d\\udca1"'):
        assert load.load(project, "staging", (given,), {}).settings["A"] == "\U0001f4a1"


@pytest.mark.parametrize("text", ["", "[service", "[service]\n", "service = 3"])
def test_a_service_file_that_cannot_be_used(project: Path, text: str) -> None:
    (project / "service.toml").write_text(text)
    with pytest.raises(Failed) as caught:
        load.load(project, "staging", (), {})
    assert caught.value.failure.code == "SERVICE_FILE_INVALID"


@pytest.mark.parametrize("text", [b"- a list", b"staging: 3", b"staging: {a: [", b"staging: {settings: {A: \xff}}"])
def test_a_file_that_is_no_inventory(project: Path, text: bytes) -> None:
    (project / "deploy" / "inventory.yaml").write_bytes(text)
    with pytest.raises(Failed) as caught:
        load.load(project, "staging", (), {})
    assert caught.value.failure.code == "INVENTORY_SYNTAX"


def test_explain_names_the_origin_of_each_value(project: Path) -> None:
    told = load.explain(project, "staging", ("drain_seconds=3",), {"DEPLOY_PORT": "8080"})
    origins = {line.split()[0]: line.split()[-1] for line in told.splitlines()}
    assert origins["replicas"] == "staging"
    assert origins["drain_seconds"] == "-e"
    assert origins["port"] == "environment"
    assert origins["driver"] == "service.toml"
    assert origins["url"] == "default"


def test_variables_that_are_no_keys_are_ignored(project: Path) -> None:
    foreign = {"DEPLOY_ENV": "x", "DEPLOY_NAME": "x", "DEPLOY_KEY_ID": "x", "DEPLOY_": "x", "DEPLOY_ENV__A": "x"}
    assert load.load(project, "staging", (), foreign) == load.load(project, "staging", (), {})
    assert near_misses(foreign) == []


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("DEPLOY_REPLICSA", "DEPLOY_REPLICAS"),
        ("DEPLOY_RESOURCE__MEMORY_LIMIT", "DEPLOY_RESOURCES__MEMORY_LIMIT"),
        ("DEPLOY_SETTING__LOG_LEVEL", "DEPLOY_SETTINGS__LOG_LEVEL"),
    ],
)
def test_a_near_miss_is_reported(variable: str, meant: str) -> None:
    (warning,) = near_misses({variable: "x", "DEPLOY_REPLICAS": "3"})
    assert variable in warning
    assert warning.endswith(f"did you mean {meant}?")


def test_variables_keep_the_case_of_names_below_a_key(project: Path) -> None:
    variables = {"DEPLOY_SETTINGS__LOG_LEVEL": "DEBUG", "DEPLOY_RESOURCES__CPU_LIMIT": "2"}
    environment = load.load(project, "staging", (), variables)
    assert environment.settings["LOG_LEVEL"] == "DEBUG"
    assert environment.resources.cpu_limit == "2"


@pytest.mark.parametrize(
    ("extra", "variables", "said"),
    [
        ((), {"DEPLOY_REPLICAS": "many"}, "[DEPLOY_REPLICAS]"),
        ((), {"DEPLOY_RESOURCES__MEMORY": "1Gi"}, "[DEPLOY_RESOURCES__MEMORY]"),
        (("replicas=many",), {"DEPLOY_REPLICAS": "3"}, "[-e]"),
        ((), {}, "[deploy/inventory.yaml staging]"),
    ],
)
def test_a_fault_names_where_it_was_set(
    project: Path, extra: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    if not extra and not variables:
        (project / "deploy" / "inventory.yaml").write_text("staging:\n  replicas: many\n")
    with pytest.raises(Failed) as caught:
        load.load(project, "staging", extra, variables)
    assert said in str(caught.value)
