"""The root modules of three clouds on the providers' own schemas: accepted as they are, refused with each fault."""

import json
from collections.abc import Callable

import pytest

from tests.support.terraform import GIVEN, Root
from toolkit.deploy.infrastructure import policy

Roots = Callable[[str], Root]
CLOUDS = ("aws", "google", "azure")
# Longest names by type and attribute, from the clouds' documentation.
LIMITS = {
    ("aws_db_instance", "identifier"): 63,
    ("aws_iam_role", "name"): 64,
    ("aws_lb", "name"): 32,
    ("aws_lb_target_group", "name"): 32,
    ("aws_s3_bucket", "bucket"): 63,
    ("azurerm_container_app", "name"): 32,
    ("azurerm_container_app_environment", "name"): 60,
    ("azurerm_key_vault", "name"): 24,
    ("azurerm_postgresql_flexible_server", "name"): 63,
    ("azurerm_storage_account", "name"): 24,
    ("google_cloud_run_v2_service", "name"): 49,
    ("google_compute_network", "name"): 63,
    ("google_compute_global_address", "name"): 63,
    ("google_iam_workload_identity_pool", "workload_identity_pool_id"): 32,
    ("google_logging_project_bucket_config", "bucket_id"): 100,
    ("google_service_account", "account_id"): 30,
    ("google_sql_database_instance", "name"): 84,
}
pytestmark = [pytest.mark.needs("terraform"), pytest.mark.drill(minutes=0.5)]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_format_validation_plan_and_policy(root: Roots, cloud: str) -> None:
    given = root(cloud)
    given.done("fmt", "-check", "-diff", "-recursive")
    given.done("validate", "-no-color")
    plan = given.plan()
    assert len(json.loads(plan)["resource_changes"]) > 40
    assert policy.faults(plan) == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_terraforms_own_tests_pass(initialised: Roots, cloud: str) -> None:
    shown = initialised(cloud).done("test", "-no-color")
    assert "Success!" in shown
    assert "0 failed" in shown


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_longest_names_fit(root: Roots, cloud: str) -> None:
    given = root(cloud)
    environments = {
        "an-environment-of-20": {"cidr": "10.10.0.0/16", "domain": "x.example.com", "certificate": "arn:aws:acm:x"}
    }
    service = "a-service-whose-name-has-the-53-characters-of-the-lim"
    given.give({**GIVEN[cloud], "service": service, "environments": environments})
    named = {}
    for item in json.loads(given.plan())["resource_changes"]:
        for (kind, attribute), limit in LIMITS.items():
            if item["type"] == kind:
                name = item["change"]["after"][attribute]
                named[item["address"]] = name
                assert 3 <= len(name) <= limit, f"{item['address']}: {name}"
                assert not name.endswith("-"), f"{item['address']}: {name}"
    assert len(named) >= 5
    accounts = [name for address, name in named.items() if ".google_service_account." in f".{address}"]
    assert len(set(accounts)) == len(accounts)


MISSPELT = [
    ("aws", "environment/service.tf", "desired_count   = 0", "desired_cuont   = 0"),
    ("google", "environment/database.tf", "ipv4_enabled    = false", "ipv4_enable     = false"),
    ("azure", "environment/database.tf", "public_network_access_enabled =", "public_network_access_enable ="),
]
MISSING = [
    ("aws", "environment/service.tf", '  family                   = "${local.name}-placeholder"\n', "family"),
    (
        "google",
        "environment/database.tf",
        '  database_version = "POSTGRES_${var.database.version}"\n',
        "database_version",
    ),
    ("azure", "environment/network.tf", "  name     = local.name\n", "name"),
]


@pytest.mark.parametrize(("cloud", "file", "old", "new"), MISSPELT, ids=CLOUDS)
def test_a_misspelt_argument_is_refused(root: Roots, cloud: str, file: str, old: str, new: str) -> None:
    given = root(cloud)
    given.edit(file, old, new)
    ended = given.terraform("validate", "-no-color")
    assert ended.returncode == 1
    assert "Unsupported argument" in ended.stderr
    assert "Did you mean" in " ".join(ended.stderr.split())


@pytest.mark.parametrize(("cloud", "file", "line", "argument"), MISSING, ids=CLOUDS)
def test_a_missing_required_argument_is_refused(root: Roots, cloud: str, file: str, line: str, argument: str) -> None:
    given = root(cloud)
    given.edit(file, line, "")
    ended = given.terraform("validate", "-no-color")
    assert ended.returncode == 1
    assert f'The argument "{argument}" is required' in ended.stderr


TESTS = [
    ("aws", "registry.tf", '"untagged"', '"any"', "removes tagged images"),
    ("google", "registry.tf", 'tag_state  = "UNTAGGED"', 'tag_state  = "ANY"', "removes tagged images"),
    ("aws", "pipeline.tf", ":environment:${name}", ":*", "jobs of the environment production alone"),
    ("google", "pipeline.tf", ":environment:${name}", ":*", "jobs of the environment production alone"),
    ("azure", "pipeline.tf", ":environment:${name}", ":*", "jobs of the environment production alone"),
    ("aws", "pipeline.tf", "? [local.on_branch, local.in_preview]", "? [local.on_branch]", "preview must be trusted"),
    ("aws", "pipeline.tf", ": [local.on_branch]", ": [local.on_branch, local.in_preview]", "branch alone may push"),
    ("google", "pipeline.tf", ":environment:preview", ":pull_request", "preview must be trusted"),
    ("google", "pipeline.tf", " && var.previews ? 1", " ? 1", "branch alone may push"),
    ("azure", "pipeline.tf", ":environment:preview", ":pull_request", "preview must be trusted"),
    ("azure", "pipeline.tf", " && var.previews ? 1", " ? 1", "branch alone may push"),
]


@pytest.mark.parametrize(("cloud", "file", "old", "new", "words"), TESTS)
def test_terraforms_own_tests_can_fail(root: Roots, cloud: str, file: str, old: str, new: str, words: str) -> None:
    given = root(cloud)
    given.edit(file, old, new)
    ended = given.terraform("test", "-no-color")
    assert ended.returncode == 1
    assert words in " ".join(ended.stderr.split())
