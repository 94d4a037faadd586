"""The operation `secrets.set`: one key of the Secret that the inventory names."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.kubernetes.prerequisites import namespace_of
from toolkit.deploy.places.kubernetes.secrets import change_secret

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

MANAGER = "deploy-secrets"


def set_value(place: KubernetesPlace, name: str, value: str) -> str:
    """Set one key of the Secret that the inventory names, and create that Secret, or the namespace, if it is missing.

    Raises Failed SECRET_ELSEWHERE for another source of secrets, UNKNOWN_KEY for a name that no pod would read.
    """
    env, cluster = place.environment, place.cluster
    if env.secret.name is None:
        (how, *_) = change_secret(env, [name])
        raise fail("SECRET_ELSEWHERE", f"the secrets of {env.name} are not in a Secret of its own", hint=how)
    if name not in env.secret.keys:
        known = ", ".join(env.secret.keys)
        hint = f"add it in deploy/inventory.yaml: `secret: {{name: {env.secret.name}, keys: [{known}, {name}]}}`"
        raise fail("UNKNOWN_KEY", f"no pod reads {name} from Secret {env.secret.name}", f"keys: {known}", hint=hint)
    made = place.create() if env.create_namespace and namespace_of(place) is None else ""
    live = cluster.get("v1", "Secret", env.secret.name)
    data = {name: base64.b64encode(value.encode()).decode()}
    before = ((live or {}).get("data") or {}).get(name)
    if live is None:
        metadata = {"name": env.secret.name, "namespace": env.namespace}
        cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    elif before != data[name]:
        cluster.merge(live, {"data": data}, MANAGER)
    what = f"{name} in Secret {env.secret.name} of {env.namespace}"
    done = "created" if before is None else "unchanged" if before == data[name] else "changed"
    return "; ".join(filter(None, (made, f"{what}: {done}")))
