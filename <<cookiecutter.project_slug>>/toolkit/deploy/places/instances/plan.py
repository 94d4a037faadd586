"""Changes of a release to a container group. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Plan, fail
from toolkit.deploy.places.instances import render
from toolkit.deploy.places.traffic.diffs import diff, projected

if TYPE_CHECKING:
    from toolkit.deploy.places.azure.client import Object
    from toolkit.deploy.places.instances.state import Group
    from toolkit.deploy.records import Kept

BEFORE_THE_FIRST = "a minute or longer"


@dataclass(frozen=True)
class Observed:
    """The group that runs and the release. `environment`: its name. `allowed`: a release may interrupt the service."""

    name: str
    live: Group | None
    kept: Kept
    environment: str
    allowed: bool

    def plan(self) -> Plan:
        """Return the changes. Raises Failed DOWNTIME for one that interrupts a service that may not be."""
        if self.live is None:
            return Plan((Change("create", f"container group {self.name}", diff({}, self.kept["group"])),))
        if self.live.release == render.release_of(self.kept):
            return Plan()
        if not self.allowed:
            raise fail(
                "DOWNTIME",
                f"this release would interrupt {self.environment} for {downtime(self.live)}: Container Instances "
                "replaces a container, and has no second one beside it",
                hint=f"`place: containerapps` releases without an interruption; to accept this one, "
                f"`python3 tasks.py deploy {self.environment} -e allow_downtime=true`",
            )
        lines = diff(shown(self.live, self.kept), self.kept["group"]) or (f"~secrets {self.kept['secrets']}",)
        what = f"container group {self.name}: no answers for {downtime(self.live)}"
        return Plan((Change("replace", what, lines),), note="clients get no answers until the new container is ready")


def downtime(live: Group) -> str:
    """Return the time without answers, for people: that of the last start, as Azure has measured it."""
    return BEFORE_THE_FIRST if live.start_seconds is None else f"about {max(live.start_seconds, 1):.0f} s"


def shown(live: Group, kept: Kept) -> Object:
    """Return the live group as far as the release sets it; values of variables that it does not know are masked."""
    found: Object = projected(live.content, kept["group"])
    wanted = kept["group"]["properties"]["containers"][0]["properties"]["environmentVariables"]
    known = {item["name"] for item in wanted}
    for container in found.get("properties", {}).get("containers", []):
        variables = container.get("properties", {}).get("environmentVariables", [])
        kinds = [item for item in variables if item.get("value") is not None]
        container["properties"]["environmentVariables"] = [
            {"name": item["name"], "value": item["value"] if item["name"] in known else "***"} for item in kinds
        ]
    return found


def must_be_deleted(live: Group, kept: Kept) -> bool:
    """Return True for changes that Azure does not make in place: it then refuses the write."""
    now, wanted = live.content["properties"], kept["group"]["properties"]
    fixed = ("osType", "restartPolicy", "ipAddress", "subnetIds")
    resources = [content["containers"][0]["properties"].get("resources") for content in (now, wanted)]
    same = all(projected(now.get(key), wanted.get(key)) == wanted.get(key) for key in fixed)
    return not same or projected(*resources) != resources[1]
