"""Derived names: legal for every legal name of a service, and different where what they stand for differs."""

import re
from typing import Any

import pytest

from toolkit.deploy.inventory.load import Facts
from toolkit.deploy.inventory.names import fitted, namespace
from toolkit.deploy.places.kubernetes import naming

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
ENVIRONMENTS = ("staging", "production", "a-rather-long-environment-of-a-large-company")
# A cut may fall on a hyphen, where a name must not end.
SERVICES = ["s" * length for length in range(1, 54)] + ["s" + "-s" * 26, "s-" * 26 + "s"]


def job(name: str, **spec: Any) -> dict[str, Any]:
    return {"kind": "Job", "metadata": {"name": name}, "spec": {"backoffLimit": 0, **spec}}


@pytest.mark.parametrize("service", SERVICES, ids=len)
def test_derived_names_are_legal(service: str) -> None:
    names = [Facts(service, service, service).defaults(environment)["namespace"] for environment in ENVIRONMENTS]
    names.append(naming.migration(service, {"a": 1}))
    assert [name for name in names if not LABEL.fullmatch(name)] == []
    assert len(set(names)) == len(names)


def test_a_short_name_is_kept_as_it_is() -> None:
    assert fitted("lamps", "-staging") == "lamps-staging"
    assert fitted("a" * 63) == "a" * 63


def test_names_that_are_cut_stay_apart() -> None:
    """Without the hash both would be the same namespace."""
    one, two = (namespace("s" * 53, f"production-{region}") for region in ("eu", "us"))
    assert one[:50] == two[:50]
    assert one != two
    assert len(one) == len(two) == 63


def test_the_migration_is_named_by_its_template() -> None:
    (one,), (two,) = (naming.with_migration_named([job("lamps-migrate", **spec)], "lamps") for spec in ({}, {"x": 1}))
    assert one["metadata"]["name"] != two["metadata"]["name"]
    assert naming.is_migration(one, "lamps")
    assert naming.is_migration(two, "lamps")


def test_another_job_is_not_the_migration() -> None:
    (other,) = naming.with_migration_named([job("lamps-cleanup")], "lamps")
    assert other["metadata"]["name"] == "lamps-cleanup"
    assert not naming.is_migration(other, "lamps")
