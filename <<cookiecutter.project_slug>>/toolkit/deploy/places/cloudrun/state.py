"""A service and its revisions, as the API reports them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolkit.deploy.places.cloudrun import render
from toolkit.deploy.places.traffic.targets import Target, Traffic, serving

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.client import Object
    from toolkit.deploy.records import Kept

TRUE, FALSE, UNKNOWN = "True", "False", "Unknown"


@dataclass(frozen=True)
class Condition:
    """`status`: True, False or Unknown."""

    status: str = UNKNOWN
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Revision:
    """`created`: its time, for the order. `template`: metadata and spec, as in a service."""

    name: str
    ready: Condition
    container: Condition
    digest: str = ""
    created: str = ""
    template: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def is_ready(self) -> bool:
        return self.ready.status == TRUE


@dataclass(frozen=True)
class Service:
    """`asked`: the division of the requests in the specification; `traffic`: the one in effect."""

    name: str
    generation: int
    observed: int
    ready: Condition
    routes: Condition
    latest_created: str
    asked: Traffic
    traffic: Traffic
    url: str
    addresses: Mapping[str, str]
    content: Object = field(repr=False)

    @property
    def template_name(self) -> str:
        """Name of the revision that the template makes."""
        return str(self.content["spec"]["template"].get("metadata", {}).get("name", ""))

    @property
    def annotations(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.content["metadata"].get("annotations") or {}
        return found

    @property
    def serving(self) -> str:
        """The revision that gets the most requests; before the first answer, the one that is asked for."""
        return serving(self.traffic) or serving(self.asked)


def service(content: Object) -> Service:
    status, spec = content.get("status") or {}, content["spec"]
    found = conditions(content)
    actual = status.get("traffic") or ()
    return Service(
        name=content["metadata"]["name"],
        generation=int(content["metadata"].get("generation", 0)),
        observed=int(status.get("observedGeneration") or 0),
        ready=found.get("Ready", Condition()),
        routes=found.get("RoutesReady", Condition()),
        latest_created=status.get("latestCreatedRevisionName") or "",
        asked=traffic(spec.get("traffic") or (), status.get("latestReadyRevisionName") or ""),
        traffic=traffic(actual, status.get("latestReadyRevisionName") or ""),
        url=status.get("url") or "",
        addresses={item["tag"]: item["url"] for item in actual if item.get("tag") and item.get("url")},
        content=content,
    )


def traffic(entries: Sequence[Object], latest: str) -> Traffic:
    """Parse the entries; one for the latest revision names that revision."""
    return tuple(
        Target(item.get("revisionName") or latest, int(item.get("percent") or 0), item.get("tag") or "")
        for item in entries
    )


def entries(wanted: Traffic) -> list[Object]:
    """Return the traffic in the form of the API."""
    return [
        {"revisionName": target.revision, "percent": target.percent, **({"tag": target.tag} if target.tag else {})}
        for target in wanted
    ]


def revision(content: Object) -> Revision:
    found = conditions(content)
    containers = content["spec"].get("containers") or [{}]
    metadata = content["metadata"]
    return Revision(
        name=metadata["name"],
        ready=found.get("Ready", Condition()),
        container=found.get("ContainerHealthy", Condition()),
        digest=digest_of(str(containers[0].get("image", ""))),
        created=metadata.get("creationTimestamp") or "",
        template={"metadata": metadata, "spec": content["spec"]},
    )


def digest_of(image: str) -> str:
    return image.rpartition("@")[2] if "@" in image else ""


def conditions(content: Object) -> dict[str, Condition]:
    listed = (content.get("status") or {}).get("conditions") or ()
    return {
        item["type"]: Condition(item.get("status", UNKNOWN), item.get("reason") or "", item.get("message") or "")
        for item in listed
    }


def choose_name(service_name: str, kept: Kept, revisions: Sequence[Revision], *, fresh: bool = False) -> str:
    """Return the name of the release's revision: the newest that is ready or starting, else that of a further attempt.

    `fresh`: a further one in any case.
    """
    own = [item for item in revisions if render.is_revision_of(item.name, service_name, kept)]
    usable = [item for item in own if item.ready.status != FALSE]
    if usable and not fresh:
        return max(usable, key=lambda item: (item.ready.status == TRUE, item.created)).name
    return render.revision_name(service_name, kept, len(own) + 1)
