"""An app, its revisions and replicas, as Azure Resource Manager reports them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolkit.deploy.places.containerapps import render
from toolkit.deploy.places.traffic.targets import Target, Traffic, serving

if TYPE_CHECKING:
    from toolkit.deploy.places.azure.client import Object
    from toolkit.deploy.records import Kept

GAVE_UP = frozenset({"Failed", "Degraded", "ActivationFailed"})
RUNNING = ("Running", "RunningAtMaxScale", "ScaledToZero")


@dataclass(frozen=True)
class Revision:
    """`created`: its time, for the order. `template`: as in an app."""

    name: str
    created: str = ""
    active: bool = True
    provisioning: str = ""
    health: str = ""
    running: str = ""
    error: str = ""
    digest: str = ""
    template: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def is_ready(self) -> bool:
        return (
            self.active
            and self.provisioning == "Provisioned"
            and self.running in RUNNING
            and self.health != "Unhealthy"
        )

    @property
    def gave_up(self) -> bool:
        return self.running in GAVE_UP


@dataclass(frozen=True)
class Replica:
    """One copy of the app. `details`: why it does not run."""

    name: str
    ready: bool
    restarts: int
    details: str = ""


@dataclass(frozen=True)
class App:
    name: str
    location: str
    settled: bool  # no operation on it is in progress
    traffic: Traffic
    host: str
    content: Object = field(repr=False)

    @property
    def asked(self) -> Traffic:
        return self.traffic  # a write ends when it is in effect

    @property
    def serving(self) -> str:
        return serving(self.traffic)

    @property
    def configuration(self) -> Object:
        return dict(self.content["properties"].get("configuration") or {})

    @property
    def ingress(self) -> Object:
        return dict(self.configuration.get("ingress") or {})

    @property
    def url(self) -> str:
        return f"https://{self.host}" if self.host else ""

    def url_of(self, label: str) -> str:
        """Return the address of a label: Container Apps puts it into the first part of the app's host name."""
        first, _, domain = self.host.partition(".")
        named = any(target.tag == label for target in self.traffic)
        return f"https://{first}---{label}.{domain}" if named and domain else ""


def app(content: Object) -> App:
    properties = content["properties"]
    ingress = (properties.get("configuration") or {}).get("ingress") or {}
    latest = properties.get("latestReadyRevisionName") or properties.get("latestRevisionName") or ""
    return App(
        name=content["name"],
        location=content.get("location") or "",
        settled=properties.get("provisioningState") != "InProgress",
        traffic=traffic(ingress.get("traffic") or (), latest),
        host=ingress.get("fqdn") or "",
        content=content,
    )


def traffic(entries: Sequence[Object], latest: str) -> Traffic:
    """Parse the entries; one for the latest revision names that revision."""
    return tuple(
        Target(item.get("revisionName") or latest, int(item.get("weight") or 0), item.get("label") or "")
        for item in entries
    )


def revision(content: Object) -> Revision:
    properties = content["properties"]
    template = properties.get("template") or {}
    containers = template.get("containers") or [{}]
    return Revision(
        name=content["name"],
        created=properties.get("createdTime") or "",
        active=bool(properties.get("active", True)),
        provisioning=properties.get("provisioningState") or "",
        health=properties.get("healthState") or "",
        running=properties.get("runningState") or "",
        error=properties.get("provisioningError") or "",
        digest=digest_of(str(containers[0].get("image", ""))),
        template=template,
    )


def replica(content: Object) -> Replica:
    properties = content["properties"]
    containers = properties.get("containers") or []
    details = [properties.get("runningStateDetails"), *(item.get("runningStateDetails") for item in containers)]
    return Replica(
        name=content["name"],
        ready=bool(containers) and all(item.get("ready") for item in containers),
        restarts=max((int(item.get("restartCount") or 0) for item in containers), default=0),
        details="; ".join(dict.fromkeys(filter(None, details))),
    )


def digest_of(image: str) -> str:
    return image.rpartition("@")[2] if "@" in image else ""


def choose_name(app_name: str, kept: Kept, revisions: Sequence[Revision]) -> str:
    """Return the name of the release's revision: the newest that could be provisioned, else that of a further attempt.

    One that has crashed is started again; one that Azure could not provision keeps its verdict.
    """
    own = [item for item in revisions if render.is_revision_of(item.name, app_name, kept)]
    usable = [item for item in own if item.provisioning != "Failed"]
    if usable:
        return max(usable, key=lambda item: item.created).name
    return render.revision_name(app_name, kept, len(own) + 1)
