"""A container group, as Azure Resource Manager reports it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from toolkit.deploy.places.instances import render

if TYPE_CHECKING:
    from toolkit.deploy.places.azure.client import Object

RUNNING, TERMINATED = "Running", "Terminated"


@dataclass(frozen=True)
class Group:
    """`exit_code`, `reason`: of the last run that has ended. `messages`: Azure's events, the oldest first."""

    name: str
    provisioning: str = ""
    container: str = ""  # the state of its container
    exit_code: int | None = None
    reason: str = ""
    detail: str = ""
    restarts: int = 0
    messages: tuple[str, ...] = ()
    host: str = ""
    port: int = 0
    image: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    start_seconds: float | None = None  # of the last start: pull and start
    content: Object = field(default_factory=dict, repr=False)

    @property
    def digest(self) -> str:
        return self.image.rpartition("@")[2] if "@" in self.image else ""

    @property
    def release(self) -> str:
        return self.tags.get(render.RELEASE_TAG, "")

    @property
    def secrets(self) -> str:
        return self.tags.get(render.SECRETS_TAG, "")

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}" if self.host else ""


def group(content: Object) -> Group:
    properties = content["properties"]
    address = properties.get("ipAddress") or {}
    container = (properties.get("containers") or [{}])[0].get("properties") or {}
    view = container.get("instanceView") or {}
    current, previous = view.get("currentState") or {}, view.get("previousState") or {}
    events = [*((properties.get("instanceView") or {}).get("events") or ()), *(view.get("events") or ())]
    ended = current if current.get("exitCode") is not None else previous
    code = ended.get("exitCode")
    return Group(
        name=content["name"],
        provisioning=properties.get("provisioningState") or "",
        container=current.get("state") or "",
        exit_code=None if code is None else int(code),
        reason=ended.get("detailStatus") or "",
        detail=current.get("detailStatus") or "",
        restarts=int(view.get("restartCount") or 0),
        messages=tuple(str(event.get("message") or "") for event in events),
        host=address.get("fqdn") or address.get("ip") or "",
        port=int((address.get("ports") or [{}])[0].get("port") or 0),
        image=str(container.get("image") or ""),
        tags=dict(content.get("tags") or {}),
        start_seconds=start_seconds(events),
        content=content,
    )


def start_seconds(events: list[Object]) -> float | None:
    """Return the time from the beginning of the pull to the start of the container; None where events are missing."""
    times = {str(event.get("name")): str(event.get("lastTimestamp") or "") for event in events}
    try:
        began, started = (datetime.fromisoformat(times[name]) for name in ("Pulling", "Started"))
    except (KeyError, ValueError):
        return None
    return max((started - began).total_seconds(), 0.0)
