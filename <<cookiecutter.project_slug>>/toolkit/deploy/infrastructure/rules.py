"""The rules of the policy, by type of resource. A table: add a line for what your infrastructure must never be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

BACKUP_DAYS = 7


@dataclass(frozen=True)
class Rule:
    """`accepts` gets the value at `path`; None where it is not set, or not known before the apply."""

    path: str
    expected: str
    accepts: Callable[[object], bool]


@dataclass(frozen=True)
class Companion:
    """A resource of `type` needs one of type `companion`, whose `attribute` refers to it."""

    type: str
    companion: str
    attribute: str
    reason: str


def _is(path: str, value: object) -> Rule:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return Rule(path, shown, lambda given: given == value and type(given) is type(value))


def _at_least(path: str, least: int) -> Rule:
    return Rule(
        path,
        f"at least {least}",
        lambda given: isinstance(given, (int, float)) and not isinstance(given, bool) and given >= least,
    )


def _none(path: str) -> Rule:
    return Rule(path, "none", lambda given: not given)


RULES: Mapping[str, tuple[Rule, ...]] = {
    "aws_db_instance": (
        _is("publicly_accessible", False),
        _is("storage_encrypted", True),
        _is("deletion_protection", True),
        _is("skip_final_snapshot", False),
        _at_least("backup_retention_period", BACKUP_DAYS),
    ),
    "aws_rds_cluster": (
        _is("storage_encrypted", True),
        _is("deletion_protection", True),
        _is("skip_final_snapshot", False),
        _at_least("backup_retention_period", BACKUP_DAYS),
    ),
    "aws_ecr_repository": (_is("image_tag_mutability", "IMMUTABLE"),),
    "aws_ecs_service": (_is("network_configuration.0.assign_public_ip", False),),
    "aws_lb": (_is("enable_deletion_protection", True),),
    "aws_s3_bucket_public_access_block": tuple(
        _is(path, True)
        for path in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    ),
    "google_sql_database_instance": (
        _is("deletion_protection", True),
        _is("settings.0.deletion_protection_enabled", True),
        _is("settings.0.ip_configuration.0.ipv4_enabled", False),
        _is("settings.0.ip_configuration.0.ssl_mode", "ENCRYPTED_ONLY"),
        _none("settings.0.ip_configuration.0.authorized_networks"),
        _is("settings.0.backup_configuration.0.enabled", True),
    ),
    "google_cloud_run_v2_service": (_is("deletion_protection", True),),
    "google_storage_bucket": (
        _is("public_access_prevention", "enforced"),
        _is("uniform_bucket_level_access", True),
    ),
    "azurerm_container_app": (_is("ingress.0.allow_insecure_connections", False),),
    "azurerm_container_registry": (_is("admin_enabled", False), _is("anonymous_pull_enabled", False)),
    "azurerm_key_vault": (_is("purge_protection_enabled", True), _is("rbac_authorization_enabled", True)),
    "azurerm_postgresql_flexible_server": (
        _is("public_network_access_enabled", False),
        _at_least("backup_retention_days", BACKUP_DAYS),
    ),
    "azurerm_storage_account": (
        _is("allow_nested_items_to_be_public", False),
        _is("https_traffic_only_enabled", True),
        _is("infrastructure_encryption_enabled", True),
        _is("shared_access_key_enabled", False),
    ),
    "azurerm_storage_container": (_is("container_access_type", "private"),),
}

COMPANIONS = (
    Companion("aws_s3_bucket", "aws_s3_bucket_server_side_encryption_configuration", "bucket", "encryption"),
    Companion("aws_s3_bucket", "aws_s3_bucket_public_access_block", "bucket", "not public"),
    Companion("azurerm_postgresql_flexible_server", "azurerm_management_lock", "scope", "protection from deletion"),
)

# Nothing brings their content back but a backup.
WITH_DATA = frozenset(
    {
        "aws_db_instance",
        "aws_ecr_repository",
        "aws_rds_cluster",
        "aws_s3_bucket",
        "aws_secretsmanager_secret",
        "azurerm_container_registry",
        "azurerm_key_vault",
        "azurerm_postgresql_flexible_server",
        "azurerm_postgresql_flexible_server_database",
        "azurerm_storage_account",
        "azurerm_storage_container",
        "google_artifact_registry_repository",
        "google_secret_manager_secret",
        "google_sql_database",
        "google_sql_database_instance",
        "google_storage_bucket",
    }
)

INGRESS_RULES = ("aws_vpc_security_group_ingress_rule", "aws_security_group_rule")
