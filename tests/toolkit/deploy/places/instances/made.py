"""An environment, a release and a live group, as the tables of this folder use them."""

import copy
from typing import Any

from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.instances import InstancesEnvironment
from toolkit.deploy.places.instances import render, state
from toolkit.deploy.records import Kept
from toolkit.deploy.spec import ReleaseSpec

SUBSCRIPTION = "0a1b2c3d-0000-4000-8000-00000000beef"
IDENTITY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/run"
)
DIGEST = "sha256:" + "1" * 64
SECRETS = {"DATABASE_URL": "postgresql://s3cret"}
EVENTS = (("Pulling", "2026-01-01T10:00:00+00:00"), ("Started", "2026-01-01T10:00:42+00:00"))


def environment(**given: Any) -> InstancesEnvironment:
    values = {
        "place": "instances",
        "subscription": SUBSCRIPTION,
        "resource_group": "shop",
        "location": "westeurope",
        "container_group": "shop",
        "history_account": "histshop",
        "repository": "shop.azurecr.io/shop",
        "secret": {"from_env": ["DATABASE_URL"]},
        **given,
    }
    made: InstancesEnvironment = load.validate(str(values.pop("name", "staging")), values)
    return made


def kept(digest: str = DIGEST, secrets: dict[str, str] | None = None, **given: Any) -> Kept:
    env = environment(**given)
    return render.web(ReleaseSpec("shop", env, digest, SECRETS if secrets is None else secrets), env)


def live(release: Kept, view: dict[str, Any] | None = None, **given: Any) -> state.Group:
    """The group of a release, as Azure shows it."""
    content = copy.deepcopy(render.body(release, environment(**given), dict.fromkeys(release["variables"], "v")))
    container = content["properties"]["containers"][0]["properties"]
    for item in container["environmentVariables"]:
        item.pop("secureValue", None)
    events = [{"name": name, "lastTimestamp": stamp, "message": name.lower()} for name, stamp in EVENTS]
    running = {"restartCount": 0, "currentState": {"state": "Running"}, "events": events}
    container["instanceView"] = running if view is None else view
    content["properties"] |= {"provisioningState": "Succeeded"}
    content["properties"]["ipAddress"] |= {"fqdn": "shop.westeurope.azurecontainer.io"}
    return state.group({"name": "shop", **content})
