"""A small Azure: container apps and their revisions in memory, with the errors of Azure Resource Manager.

What an image does is scripted by its digest, so no container runs; everything else follows Microsoft.App 2025-07-01 as
far as a deploy uses it. Like Azure it takes unknown keys silently.
"""

import copy
import re
import threading
import time
from collections.abc import Callable

from tests.support.arm_groups import Groups
from tests.support.arm_jobs import Jobs
from tests.support.arm_operations import Operations
from tests.support.arm_values import (
    DOMAIN,
    OPERATION_SECONDS,
    WORKSPACE,
    Answer,
    Blobs,
    Image,
    Object,
    Refused,
    Revision,
    merged,
)

GROUP = re.compile(r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.(?:App|ContainerInstance)/(.*)")


class Azure:
    """`images`: what runs, by digest. `secrets`: versions by VAULT/NAME, the newest last. `writes`: method and path."""

    def __init__(self, subscription: str, group: str) -> None:
        self.subscription, self.group = subscription, group
        self.images: dict[str, Image] = {}
        self.blobs = Blobs()
        self.registry: dict[str, bytes] = {}  # manifests and configurations, by digest
        self.secrets: dict[str, list[str]] = {}
        self.apps: dict[str, Object] = {}
        self.revisions: dict[str, dict[str, Revision]] = {}
        self.operations = Operations()
        self.of_jobs = Jobs(self.images, self.operations)
        self.groups = Groups(self.images)
        self.busy: dict[str, float] = {}
        self.writes: list[str] = []
        self.throttled = 0
        self.lock = threading.RLock()
        self.on_write: Callable[[str], None] = lambda _: None

    @property
    def jobs(self) -> dict[str, Object]:
        return self.of_jobs.jobs

    @property
    def executions(self) -> dict[str, list[Object]]:
        return self.of_jobs.executions

    # requests

    def handle(self, method: str, path: str, body: Object) -> Answer:
        with self.lock:
            if self.throttled:
                self.throttled -= 1
                raise Refused(429, "TooManyRequests", "The request is being throttled")
            if found := re.search(r"/containerappOperation(Statuses|Results)/(\w+)$", path):
                return self.operations.answer(found[2], by_status=found[1] == "Statuses")
            match = GROUP.fullmatch(path)
            if not match or (match[1], match[2]) != (self.subscription, self.group):
                raise Refused(404, "ResourceGroupNotFound", f"Resource group of {path} could not be found.")
            parts = match[3].split("/")
            answer = KINDS[parts[0]](self, method, parts[1:], body)
        if method != "GET":
            self.writes.append(f"{method} {match[3]}")
            self.on_write(self.writes[-1])
        return answer

    def _managed_environments(self, method: str, parts: list[str], body: Object) -> Answer:
        if parts != ["apps"]:
            raise Refused(404, "ResourceNotFound", f"The Resource {parts[0]} was not found.")
        logs = {"destination": "log-analytics", "logAnalyticsConfiguration": {"customerId": WORKSPACE}}
        properties = {"defaultDomain": DOMAIN, "appLogsConfiguration": logs}
        return Answer(200, {"name": "apps", "location": "West Europe", "properties": properties})

    # apps

    def _container_apps(self, method: str, parts: list[str], body: Object) -> Answer:
        name, *below = parts
        if method == "PUT" and name not in self.apps:
            content = {"name": name, **copy.deepcopy(body)}
            return self._write(name, {}, content, created=True)
        live = self.apps.get(name)
        if live is None:
            raise Refused(404, "ResourceNotFound", f"The Resource 'Microsoft.App/containerApps/{name}' was not found.")
        if below:
            return self._revisions(method, name, below[1:])
        if method == "GET":
            return Answer(200, copy.deepcopy(live))
        if method == "DELETE":
            del self.apps[name], self.revisions[name]
            return self.operations.begin(202)
        if time.monotonic() < self.busy.get(name, 0):
            raise Refused(409, "ContainerAppOperationInProgress", "Cannot modify a container app while another is")
        return self._write(name, live, merged(live, body) if method == "PATCH" else {"name": name, **body})

    def _write(self, name: str, live: Object, wanted: Object, *, created: bool = False) -> Answer:
        properties = wanted["properties"]
        template, known = properties["template"], self.revisions.get(name, {})
        suffix = f"{name}--{template.get('revisionSuffix')}"
        new = template != (live.get("properties") or {}).get("template")
        self._check(name, wanted, {*known, *([suffix] if new else [])})
        if new and suffix in known:
            raise Refused(400, "RevisionSuffixInUse", f"A revision with the name {suffix} already exists")
        fault = self._unprovisionable(name, template) if new else None
        answer = self.operations.begin(201 if created else 202, by_status=created, error=fault)
        self.busy[name] = time.monotonic() + OPERATION_SECONDS
        if fault:
            return answer
        if new:
            self.revisions.setdefault(name, {})[suffix] = Revision(suffix, template, self.image_of(template))
            properties["latestRevisionName"] = properties["latestReadyRevisionName"] = suffix
        properties["configuration"]["ingress"]["fqdn"] = f"{name}.{DOMAIN}"
        properties["provisioningState"] = "Succeeded"
        self.apps[name] = wanted
        return answer

    def _check(self, name: str, wanted: Object, revisions: set[str]) -> None:
        configuration = wanted["properties"]["configuration"]
        traffic = configuration["ingress"]["traffic"]
        if sum(item["weight"] for item in traffic) != 100:
            raise Refused(400, "InvalidTrafficWeight", "The sum of all weights must be 100")
        for item in traffic:
            if item["revisionName"] not in revisions:
                raise Refused(400, "InvalidTrafficRevision", f"Revision {item['revisionName']} does not exist")
        names = {item["name"] for item in configuration.get("secrets") or ()}
        containers = wanted["properties"]["template"]["containers"]
        used = {item["secretRef"] for each in containers for item in each["env"] if "secretRef" in item}
        if missing := used - names:
            raise Refused(400, "ContainerAppSecretRefNotFound", f"SecretRef {missing} not found in {name}")

    def _unprovisionable(self, name: str, template: Object) -> Refused | None:
        """Azure pulls the image, and reads each secret, before it makes a revision."""
        image = template["containers"][0]["image"]
        said = f"Failed to provision revision for container app '{name}'. Error details: The following field(s) are "
        said += "either invalid or missing. Field "
        if image.rpartition("@")[2] not in self.images:
            said += (
                f"'template.containers.app.image' is invalid with details: 'Invalid value: \"{image}\": GET https:: "
            )
            return Refused(400, "ContainerAppOperationError", said + "MANIFEST_UNKNOWN: manifest is not found';.")
        return None

    def _revisions(self, method: str, app: str, parts: list[str]) -> Answer:
        known = self.revisions[app]
        if not parts:
            return Answer(200, {"value": [self._shown(app, item) for item in known.values()]})
        if parts[0] not in known:
            raise Refused(404, "RevisionNotFound", f"Revision {parts[0]} was not found")
        found, action = known[parts[0]], (parts[1:] or [""])[0]
        if action == "replicas":
            return Answer(200, {"value": [self._replica(found)] if found.active and found.age > 0 else []})
        if action == "deactivate":
            if any(item["revisionName"] == found.name and item["weight"] for item in self._traffic(app)):
                raise Refused(400, "RevisionHasTraffic", "A revision with traffic cannot be deactivated")
            found.active = False
        elif action:
            found.active, found.began = True, time.monotonic()
        return Answer(200, self._shown(app, found))

    def _traffic(self, app: str) -> list[Object]:
        found: list[Object] = self.apps[app]["properties"]["configuration"]["ingress"]["traffic"]
        return found

    def _shown(self, app: str, item: Revision) -> Object:
        running, health = "Processing", "None"
        if not item.active:
            running = "Stopped"
        elif item.serves:
            running, health = "Running", "Healthy"
        elif item.restarts:
            running, health = "Degraded", "Unhealthy"
        state = "Provisioned" if item.age > 0 or not item.active else "Provisioning"
        properties = {"createdTime": f"{item.began:020.3f}", "active": item.active, "template": item.template}
        properties |= {"provisioningState": state, "runningState": running, "healthState": health}
        return {"name": item.name, "properties": copy.deepcopy(properties)}

    def _replica(self, item: Revision) -> Object:
        details = "CrashLoopBackOff" if item.restarts > 1 else ""
        container = {"name": "app", "ready": item.serves, "restartCount": item.restarts, "runningStateDetails": details}
        return {"name": f"{item.name}-7d8f9-x2x4z", "properties": {"containers": [container]}}

    def image_of(self, template: Object) -> Image:
        return self.images[template["containers"][0]["image"].rpartition("@")[2]]

    # logs

    def lines(self, table: str, names: list[str]) -> list[tuple[str, str]]:
        """Replica and text of each line, the oldest first."""
        found = []
        for item in (item for each in self.revisions.values() for item in each.values() if item.name in names):
            found += self._logged(table, item.name, item.image.line, item.image.exits, item.image.reason)
        for item in (item for each in self.executions.values() for item in each if item["name"] in names):
            image = self.image_of(item["job"]["properties"]["template"])
            code = self.of_jobs.exit_of(item) or None
            found += self._logged(table, item["name"], image.line, code, image.reason)
        return found

    def _logged(self, table: str, name: str, line: str, code: int | None, reason: str) -> list[tuple[str, str]]:
        if "Console" in table:
            return [(f"{name}-7d8f9-x2x4z", line)]
        ended = f"Container 'app' was terminated with exit code '{code}' and reason '{reason}'"
        return [] if code is None else [(name, ended)]


KINDS: dict[str, Callable[[Azure, str, list[str], Object], Answer]] = {
    "managedEnvironments": Azure._managed_environments,
    "containerApps": Azure._container_apps,
    "jobs": lambda azure, method, parts, body: azure.of_jobs.handle(method, parts, body),
    "containerGroups": lambda azure, method, parts, body: azure.groups.handle(method, parts, body),
}
