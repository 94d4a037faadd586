"""The policy refuses a real plan with each fault: a public database, an unencrypted bucket, an unprotected vault."""

import re
from collections.abc import Callable

import pytest

from tests.support.terraform import Root
from toolkit.deploy.infrastructure import policy

Roots = Callable[[str], Root]
FAULTS = [
    ("aws", "environment/database.tf", "publicly_accessible    = false", "publicly_accessible = true", "publicly_acc"),
    ("aws", "environment/database.tf", "storage_encrypted         = true", "", "storage_encrypted is not set"),
    ("aws", "environment/database.tf", "deletion_protection       = true", "", "deletion_protection is not set"),
    ("aws", "environment/load_balancer.tf", 'type = "redirect"', 'type = "forward"', "answers plain HTTP"),
    (
        "aws",
        "environment/security.tf",
        'referenced_security_group_id = aws_security_group.service.id\n  ip_protocol                  = "tcp"\n'
        "  from_port                    = 5432",
        'cidr_ipv4   = "0.0.0.0/0"\n  ip_protocol = "tcp"\n  from_port   = 5432',
        "port 5432 is open to the internet",
    ),
    (
        "aws",
        "history.tf",
        "block_public_policy     = true",
        "block_public_policy = false",
        "block_public_policy is false",
    ),
    ("aws", "history.tf", "ENCRYPTION", "", "has no aws_s3_bucket_server_side_encryption_configuration"),
    ("google", "environment/database.tf", "ipv4_enabled    = false", "ipv4_enabled = true", "ipv4_enabled is true"),
    ("google", "environment/database.tf", '      ssl_mode        = "ENCRYPTED_ONLY"\n', "", "ssl_mode is not set"),
    ("google", "environment/database.tf", "deletion_protection = true", "", "deletion_protection is not set"),
    (
        "google",
        "environment/secrets.tf",
        '"serviceAccount:${google_service_account.service.email}"',
        '"allUsers"',
        "member is allUsers",
    ),
    (
        "azure",
        "environment/database.tf",
        "public_network_access_enabled = false",
        "public_network_access_enabled = true",
        "public_network_access_enabled is true",
    ),
    ("azure", "environment/database.tf", "LOCK", "", "has no azurerm_management_lock"),
    (
        "azure",
        "environment/history.tf",
        "infrastructure_encryption_enabled = true",
        "infrastructure_encryption_enabled = false",
        "infrastructure_encryption_enabled is false",
    ),
    ("azure", "environment/history.tf", '"private"', '"blob"', "container_access_type"),
    ("azure", "environment/secrets.tf", "purge_protection_enabled   = true", "", "purge_protection_enabled is not set"),
]
# Whole resources that are left out.
BLOCKS = {
    "ENCRYPTION": re.compile(r'resource "aws_s3_bucket_server_side_encryption_configuration".*?\n}\n', re.DOTALL),
    "LOCK": re.compile(r'resource "azurerm_management_lock".*?\n}\n', re.DOTALL),
}
pytestmark = [pytest.mark.needs("terraform"), pytest.mark.drill(minutes=0.2)]


@pytest.mark.parametrize(("cloud", "file", "old", "new", "words"), FAULTS, ids=lambda part: str(part)[:40])
def test_a_plan_with_a_fault_is_refused(root: Roots, cloud: str, file: str, old: str, new: str, words: str) -> None:
    given = root(cloud)
    if old in BLOCKS:
        path = given.folder / file
        text, count = BLOCKS[old].subn("", path.read_text())
        assert count == 1
        path.write_text(text)
    else:
        given.edit(file, old, new)
    found = policy.faults(given.plan())
    assert found
    assert all(words in fault for fault in found), found
