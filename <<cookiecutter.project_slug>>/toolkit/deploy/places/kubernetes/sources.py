"""Secrets and ConfigMaps that the pods read and a deploy does not write: their values, and a mark of their content.

Variables are read once, at the start of a container. So the pod template contains a mark of its sources' content: after
a password rotation, the next deploy finds a different mark and replaces the pods.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes.labels import MARK
from toolkit.deploy.places.kubernetes.template_values import secret_name
from toolkit.deploy.places.values import Variables
from toolkit.deploy.spec import ReleaseSpec

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

Found = Mapping["Source", "Object | None"]


@dataclass(frozen=True)
class Source:
    """One Secret or ConfigMap. `keys`: the used ones, None for all. `prefix`: None for files, not variables."""

    kind: str
    name: str
    keys: tuple[str, ...] | None = None
    prefix: str | None = ""

    @property
    def shared(self) -> bool:
        """Return True for one of `env_from`, which may have more variables than the inventory names."""
        return self.keys is None and self.prefix is not None


def sources(service: str, env: KubernetesEnvironment) -> Iterator[Source]:
    """Return the sources that the pods read according to the inventory, besides the release's own. Pure."""
    release = ReleaseSpec(service, env, digest="")
    if not env.secret.written:
        yield Source("Secret", secret_name(release), release.secret_keys)
    for item in env.env_from:
        for key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            if key in item:
                yield Source(kind, item[key]["name"], None, item.get("prefix", ""))
    for volume in env.volumes:
        if "secret" in volume:
            yield Source("Secret", volume["secret"]["secretName"], None, None)
        if "configMap" in volume:
            yield Source("ConfigMap", volume["configMap"]["name"], None, None)


def read(place: KubernetesPlace) -> Found:
    """Return each source, None for a missing one. Those that this user may not read are left out."""
    found: dict[Source, Object | None] = {}
    if place.namespace_missing:
        return found
    for source in sources(place.service, place.environment):
        try:
            found[source] = place.cluster.get("v1", source.kind, source.name)
        except Failed as error:
            if error.failure.code != "FORBIDDEN":
                raise
    return found


def secret_of(env: KubernetesEnvironment, found: Found) -> Object | None:
    """Return the Secret in the inventory's `secret.name`."""
    return next(
        (live for source, live in found.items() if (source.kind, source.name) == ("Secret", env.secret.name)), None
    )


def variables(source: Source, live: Object | None) -> dict[str, str]:
    """Return the variables of a source. Pure."""
    if live is None or source.prefix is None:
        return {}
    content = live.get("data") or {}
    if source.kind == "Secret":
        content = {key: base64.b64decode(value).decode(errors="replace") for key, value in content.items()}
    return {f"{source.prefix}{key}": content[key] for key in source.keys or content if key in content}


def variables_of(service: str, env: KubernetesEnvironment, found: Found) -> Variables:
    """The variables that all sources give the pods, as far as they can be read. Pure."""
    own: dict[str, str] = {}
    shared: dict[str, str] = {}
    complete = True
    for source in sources(service, env):
        brought = variables(source, found.get(source))
        if source.shared:
            complete = complete and source in found
            shared |= brought
        else:
            own |= brought
    return Variables(own, shared, complete, mark(found))


def mark(found: Found) -> str:
    """Return a short hash of the sources' content; empty without sources. Pure.

    It includes their uids: users who can read pods must not be able to guess a password and compare.
    """
    held = [
        (source.kind, source.name, live["metadata"]["uid"], _used(source, live))
        for source, live in found.items()
        if live is not None
    ]
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()[:16] if held else ""


def _used(source: Source, live: Object) -> dict[str, str]:
    content = {**(live.get("data") or {}), **(live.get("binaryData") or {})}
    return content if source.keys is None else {key: content.get(key, "") for key in source.keys}


def marked(item: Object, value: str) -> Object:
    """Return a Deployment of an earlier release with the mark of the current sources. Pure."""
    if item["kind"] != "Deployment" or not value:
        return item
    copy = deepcopy(item)
    template = copy["spec"]["template"]["metadata"]
    template["annotations"] = {**(template.get("annotations") or {}), MARK: value}
    return copy


def stale(deployment: Object | None, value: str) -> bool:
    """Return True if the sources have changed since the pods started. Pure."""
    template = (deployment or {}).get("spec", {}).get("template", {}).get("metadata", {})
    started_with = (template.get("annotations") or {}).get(MARK, "")
    return bool(started_with and value and started_with != value)
