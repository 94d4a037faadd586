"""The app of a release: its name, keys, secrets and traffic, and keys that the API does not know."""

import re
from typing import Any

import pytest

from tests.support.template import SERVICE
from tests.toolkit.deploy.places.containerapps.made import DIGEST, IDENTITY, VERSIONS, app, environment, kept, revision
from toolkit.deploy.inventory import containerapps_keys as keys
from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.containerapps import group, jobs, plan, references, render, state
from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.targets import Target
from toolkit.deploy.spec import ReleaseSpec

SHARES = render.shares(targets.beside("shop--old", "shop--new"))


def body(**given: Any) -> dict[str, Any]:
    return render.app(kept(**given), environment(**given), "new", SHARES, [])


def test_everything_written_is_known_to_the_api() -> None:
    env = environment(template={"volumes": [{"name": "tmp", "storageType": "EmptyDir"}]})
    made = kept(template=env.template)
    full = render.new_app(render.app(made, env, "new", SHARES, []), env, "westeurope")
    spec = ReleaseSpec("shop", env, DIGEST)
    job = jobs.job({**render.container(spec, env, VERSIONS), "args": ["migrate"]}, env, made["secrets"], "x", 60)
    assert list(keys.unknown(full, keys.APP)) == []
    assert list(keys.unknown(job, keys.JOB)) == []


@pytest.mark.parametrize(
    ("content", "shape", "expected"),
    [
        ({"scale": {"minReplica": 1}}, keys.TEMPLATE, "scale.minReplica: unknown key; did you mean minReplicas?"),
        ({"containers": [{"imag": "x"}]}, keys.TEMPLATE, "containers[0].imag: unknown key; did you mean image?"),
        ({"volumes": {}}, keys.TEMPLATE, "volumes: expected a list"),
        ({"properties": []}, keys.APP, "properties: expected an object"),
        ({"containers": [{"env": [{"secretref": "x"}]}]}, keys.TEMPLATE, "did you mean secretRef?"),
    ],
)
def test_unknown_key_is_found(content: dict[str, Any], shape: keys.Shape, expected: str) -> None:
    (found,) = keys.unknown(content, shape)
    assert expected in found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"template": {"scale": {}}}, "scale is set by the toolkit"),
        ({"template": {"volume": []}}, "volume: unknown key; did you mean volumes?"),
        ({"cpu": 0.3}, "steps of 0.25"),
        ({"replicas": 11}, "more than max_replicas 10"),
        ({"app": "a--b"}, "app: "),
        ({"app": "a" * 33}, "app: "),
        ({"subscription": "mine"}, "subscription: "),
        ({"identity": "run"}, "identity: "),
        ({"secret": {"from_env": ["DATABASE_URL"]}}, "reads secrets from Azure Key Vault"),
        ({"secret": {"store": "azure", "keys": {"A": "name"}}}, "expected VAULT/NAME"),
        ({"processes": {"w": {"command": ["x"]}}}, "processes.w: not available"),
        ({"drain_seconds": 600}, "after 600 s"),
        ({"canary": [10], "settings": {"METRICS_PORT": "9000"}}, "METRICS_PORT is not reachable"),
        ({"canary": [50, 10]}, "rising percentages"),
    ],
)
def test_mistake_in_the_inventory(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Failed) as caught:
        environment(**given)
    assert said in str(caught.value)


def test_all_of_the_traffic_is_written() -> None:
    ingress = body()["properties"]["configuration"]["ingress"]
    assert ingress["traffic"] == [
        {"revisionName": "shop--old", "weight": 100},
        {"revisionName": "shop--new", "weight": 0, "label": "candidate"},
    ]
    assert body()["properties"]["configuration"]["activeRevisionsMode"] == "Multiple"


def test_key_that_the_release_does_not_have_is_removed() -> None:
    live = {"volumes": [{"name": "old"}], "initContainers": None, "scale": {"minReplicas": 9}}
    template = render.app(kept(), environment(), "new", SHARES, [], [], live)["properties"]["template"]
    assert "volumes" in template
    assert template["volumes"] is None
    assert "initContainers" not in template
    assert template["scale"]["minReplicas"] == 1


def test_registry_of_others_stays() -> None:
    logins = [{"server": "shop.azurecr.io", "identity": "old"}, {"server": "other.azurecr.io", "identity": "x"}]
    found = render.app(kept(), environment(), "new", SHARES, [], logins)["properties"]["configuration"]["registries"]
    assert [item["server"] for item in found] == ["other.azurecr.io", "shop.azurecr.io"]
    assert found[1]["identity"] == IDENTITY


def test_name_follows_from_the_content() -> None:
    name = render.revision_name("shop", kept())
    assert name == render.revision_name("shop", kept())
    assert name.startswith("shop--r1111111-")
    others = [kept(digest="sha256:" + "2" * 64), kept(replicas=2), kept(versions={"DATABASE_URL": "b" * 32})]
    assert len({name, *(render.revision_name("shop", other) for other in others)}) == 4
    assert len(render.revision_name("a" * 32, kept(), 12)) < 64
    assert render.is_revision_of(f"{name}-2", "shop", kept())
    assert not render.is_revision_of(f"{name}-x", "shop", kept())


def test_secret_is_a_reference_to_a_version() -> None:
    (secret,) = kept()["secrets"]
    assert secret == {
        "name": "database-url-aaaaaaaaaaaa",
        "keyVaultUrl": f"https://vault.vault.azure.net/secrets/database-url/{'a' * 32}",
        "identity": IDENTITY,
    }
    (variable,) = [item for item in kept()["template"]["containers"][0]["env"] if "secretRef" in item]
    assert variable == {"name": "DATABASE_URL", "secretRef": secret["name"]}
    named = kept(secret={"store": "azure", "keys": {"DATABASE_URL": f"vault/db@{'c' * 32}"}})
    assert named["secrets"][0]["keyVaultUrl"].endswith("c" * 32)
    older = [{"name": "database-url-bbb", "keyVaultUrl": "x"}]
    both = render.app(kept(), environment(), "new", [], older)["properties"]["configuration"]["secrets"]
    assert [item["name"] for item in both] == ["database-url-bbb", secret["name"]], "earlier revisions read the others"
    newer = references.with_versions(kept(), environment(), {"DATABASE_URL": "b" * 32})
    assert newer == kept(versions={"DATABASE_URL": "b" * 32})


def test_identity_and_registry() -> None:
    assert group.identity(environment()) == {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}
    assert group.identity(environment(identity=None)) == {"type": "SystemAssigned"}
    assert group.registries(environment()) == [{"server": "shop.azurecr.io", "identity": IDENTITY}]
    assert group.registries(environment(repository="docker.io/example/shop")) == []


@pytest.mark.parametrize("cpu", [0.25, 0.5, 1.0, 4.0])
def test_memory_follows_the_cpu(cpu: float) -> None:
    assert kept(cpu=cpu)["template"]["containers"][0]["resources"] == {"cpu": cpu, "memory": f"{2 * cpu:g}Gi"}


def test_address_of_a_label() -> None:
    found = app([{"latestRevision": True, "weight": 100}, {"revisionName": "x", "weight": 0, "label": "candidate"}])
    assert found.traffic == (Target("new", 100), Target("x", 0, "candidate"))
    assert found.url_of("candidate") == "https://shop---candidate.sea.azurecontainerapps.io"
    assert found.url_of("running") == ""
    assert found.serving == "new"


def test_revision_that_could_not_be_provisioned_gets_a_further_attempt() -> None:
    name = render.revision_name("shop", kept())
    failed = state.Revision(name, provisioning="Failed")
    assert state.choose_name("shop", kept(), []) == name
    assert state.choose_name("shop", kept(), [failed]) == f"{name}-2"
    assert state.choose_name("shop", kept(), [failed, state.Revision(f"{name}-2")]) == f"{name}-2"
    assert state.choose_name("shop", kept(), [state.Revision(name, running="Degraded")]) == name


def test_plan() -> None:
    name = render.revision_name("shop", kept())
    settled = app([{"revisionName": name, "weight": 100}], transport="Auto")

    def planned(live: state.App | None, made: state.Revision | None) -> list[str]:
        return [str(change) for change in plan.changes("shop", live, made, made, kept(), name)]

    assert planned(settled, revision()) == []
    assert planned(None, None) == ["create app shop", f"create revision {name}", f"shift all requests to {name}"]
    assert planned(settled, revision(active=False)) == [f"activate revision {name}"]
    other = app([{"revisionName": "shop--old", "weight": 100}])
    assert planned(other, revision()) == [f"shift all requests to {name}"]
    closed = app([{"revisionName": name, "weight": 100}], external=False)
    assert planned(closed, revision()) == ["update ingress of shop"]


def test_value_that_the_release_does_not_know_is_masked() -> None:
    live = kept()["template"]
    live["containers"][0]["env"] = [{"name": "OLD_TOKEN", "value": "hidden"}]
    lines = "\n".join(plan.diff(plan.shown(live, kept()), kept()["template"]))
    assert "OLD_TOKEN" in lines
    assert "hidden" not in lines


def test_terraform_names_the_keys_of_the_inventory() -> None:
    text = (SERVICE / "infra" / "azure" / "environment" / "outputs.tf").read_text()
    named = set(re.findall(r"^    (\w+) +=", text.partition('output "deployer"')[0], re.M))
    assert {"subscription", "environment", "app", "history_account", "secret"} <= named
    assert named <= set(ContainerAppsEnvironment.model_fields)
