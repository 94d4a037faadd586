"""The tasks on a real Terraform: `infra.check`, `infra.plan`, and the round trip of `inventory.import`."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support.terraform import Root
from toolkit.deploy.infrastructure import importing, outputs, terraform
from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.models import MODELS
from toolkit.deploy.outcomes import Exit

ROLE, ACCOUNT = "arn:aws:iam::123456789012:role/shop", "shop@team-project.iam.gserviceaccount.com"  # not invented
IDENTITY = "/subscriptions/0/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop"
Roots = Callable[[str], Root]
CLOUDS = ("aws", "google", "azure")
pytestmark = [pytest.mark.needs("terraform"), pytest.mark.drill(minutes=0.5)]


@pytest.fixture
def used(root: Roots, monkeypatch: pytest.MonkeyPatch) -> Roots:
    """A root module for tasks, which run with the environment of this process."""

    def get(cloud: str) -> Root:
        given = root(cloud)
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", given.environment["TF_CLI_CONFIG_FILE"])
        return given

    return get


def test_check_passes_and_stops_at_the_first_fault(used: Roots, capfd: pytest.CaptureFixture[str]) -> None:
    given = used("azure")
    assert terraform.check(given.project) == Exit.OK
    assert "Success!" in capfd.readouterr().out
    given.edit("registry.tf", "admin_enabled          = false", "admin_enabled = false")
    assert terraform.check(given.project) == Exit.REFUSED
    shown = "".join(capfd.readouterr())
    assert "TERRAFORM_FAILED: infra/azure: `terraform fmt" in shown
    assert "next: terraform fmt -recursive infra/azure" in shown
    assert "terraform init" not in shown


def test_a_plan_that_breaks_the_policy_is_refused(used: Roots, capfd: pytest.CaptureFixture[str]) -> None:
    given = used("google")
    assert terraform.plan(given.project, "") == Exit.OK
    shown = capfd.readouterr().out
    assert "61 to add" in shown
    assert "infra/google: the policy accepts the plan." in shown
    given.edit("environment/database.tf", "ipv4_enabled    = false", "ipv4_enabled    = true")
    assert terraform.plan(given.project, "") == Exit.REFUSED
    shown = "".join(capfd.readouterr())
    assert "POLICY_BROKEN" in shown
    assert 'module.environment["production"].google_sql_database_instance.this: settings.0.ip_configuration' in shown


def test_a_service_without_infra_says_how_to_get_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert terraform.check(tmp_path) == Exit.REFUSED
    assert "template.update --answer infra=aws" in "".join(capsys.readouterr())


@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_was_applied_is_imported(used: Roots, cloud: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The apply invents values and creates nothing; its outputs are read from the state as an owner's are."""
    given = used(cloud)
    assert importing.run(given.project, "staging", f"infra/{cloud}", check=True, diff=False) == Exit.REFUSED
    assert "OUTPUT_MISSING" in "".join(capfd.readouterr())

    given.done("apply", "-no-color", "-input=false", "-auto-approve")
    inventory = given.project / "deploy" / "inventory.yaml"
    before = inventory.read_text()
    saved = given.project / "outputs.json"
    invented = given.done("output", "-json").replace("stub-arn", ROLE).replace("stub-email", ACCOUNT)
    saved.write_text(invented.replace("stub-id", IDENTITY))
    keys = outputs.keys_of(saved.read_text(), "staging", "outputs.json")
    if keys["place"] not in MODELS:  # refused before anything is written
        assert importing.run(given.project, "staging", "outputs.json", check=False, diff=False) == Exit.REFUSED
        assert f"unknown place '{keys['place']}'" in "".join(capfd.readouterr())
        assert inventory.read_text() == before
        return
    assert importing.run(given.project, "staging", "outputs.json", check=True, diff=False) == Exit.CHANGES
    assert inventory.read_text() == before
    assert importing.run(given.project, "staging", "outputs.json", check=False, diff=False) == Exit.OK
    after = inventory.read_text()
    assert set(before.splitlines()) <= set(after.splitlines())  # every comment stays
    assert {**yaml.safe_load(before)["staging"], **keys} == yaml.safe_load(after)["staging"]
    assert importing.run(given.project, "staging", "outputs.json", check=True, diff=False) == Exit.OK
    # A deploy reads it, and needs no other key.
    environment = load.load(given.project, "staging", (), {})
    assert (environment.place, environment.repository) == (keys["place"], keys["repository"])
