"""An environment, a release and parts of an app, as the tables of this folder use them."""

from typing import Any

from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
from toolkit.deploy.places.containerapps import render, state
from toolkit.deploy.records import Kept
from toolkit.deploy.spec import ReleaseSpec

SUBSCRIPTION = "0a1b2c3d-0000-4000-8000-00000000beef"
IDENTITY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/run"
)
DIGEST = "sha256:" + "1" * 64
VERSIONS = {"DATABASE_URL": "a" * 32}


def environment(**given: Any) -> ContainerAppsEnvironment:
    values = {
        "place": "containerapps",
        "subscription": SUBSCRIPTION,
        "resource_group": "shop",
        "environment": "apps",
        "app": "shop",
        "identity": IDENTITY,
        "history_account": "histshop",
        "repository": "shop.azurecr.io/shop",
        "secret": {"store": "azure", "keys": {"DATABASE_URL": "vault/database-url"}},
        **given,
    }
    made: ContainerAppsEnvironment = load.validate("staging", values)
    return made


def kept(digest: str = DIGEST, versions: dict[str, str] | None = None, **given: Any) -> Kept:
    env = environment(**given)
    return render.web(ReleaseSpec("shop", env, digest), env, VERSIONS if versions is None else versions)


def revision(**given: Any) -> state.Revision:
    usual: dict[str, Any] = {"provisioning": "Provisioned", "running": "Running", "health": "Healthy"}
    return state.Revision("shop--r1", **{**usual, **given})


def app(traffic: list[dict[str, Any]], **ingress: Any) -> state.App:
    found = {**kept()["ingress"], "fqdn": "shop.sea.azurecontainerapps.io", "traffic": traffic, **ingress}
    configuration = {"activeRevisionsMode": "Multiple", "ingress": found}
    return state.app({"name": "shop", "properties": {"configuration": configuration, "latestReadyRevisionName": "new"}})
