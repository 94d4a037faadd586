"""Container groups of the Azure of the tests, as far as Microsoft.ContainerInstance 2023-05-01 shows them."""

import copy
import json
import time
from dataclasses import dataclass, field

from tests.support.arm_values import JOB_SECONDS, RESTART_SECONDS, START_SECONDS, Answer, Image, Object, Refused

FIXED = ("osType", "restartPolicy", "ipAddress", "subnetIds")
FQDN = "{}.westeurope.azurecontainer.io"


@dataclass
class Group:
    """`begun`: its start; the container runs a little later."""

    content: Object
    image: Image
    began: float = field(default_factory=time.monotonic)

    @property
    def container(self) -> Object:
        found: Object = self.content["properties"]["containers"][0]["properties"]
        return found

    @property
    def age(self) -> float:
        return time.monotonic() - self.began - START_SECONDS

    @property
    def exit_code(self) -> int | None:
        """The code with which the container has ended; None while it runs."""
        command = self.container.get("command")
        if command and self.age < JOB_SECONDS:
            return None
        if command:
            return int(command[-1]) if command[-1].isdecimal() else self.image.migrates
        return self.image.exits

    @property
    def serves(self) -> bool:
        return self.age > 0 and self.exit_code is None and self.image.ready

    @property
    def view(self) -> Object:
        if self.age <= 0:
            return {"restartCount": 0, "currentState": {"state": "Waiting", "detailStatus": ""}, "events": []}
        names = (
            ("Pulling", "pulling image"),
            ("Pulled", "Successfully pulled image"),
            ("Started", "Started container"),
        )
        stamps = ("2026-01-01T10:00:00+00:00", "2026-01-01T10:00:20+00:00", "2026-01-01T10:00:21+00:00")
        events = [
            {"name": name, "message": text, "lastTimestamp": stamp, "count": 1, "type": "Normal"}
            for (name, text), stamp in zip(names, stamps, strict=True)
        ]
        code = self.exit_code
        ended = {"state": "Terminated", "exitCode": code, "detailStatus": self.image.reason if code else "Completed"}
        if code is None:
            return {"restartCount": 0, "currentState": {"state": "Running", "detailStatus": ""}, "events": events}
        if self.content["properties"]["restartPolicy"] == "Never":
            return {"restartCount": 0, "currentState": ended, "events": events}
        waiting = {"state": "Waiting", "detailStatus": "CrashLoopBackOff: Back-off restarting failed"}
        count = int(self.age / RESTART_SECONDS)
        return {"restartCount": count, "currentState": waiting, "previousState": ended, "events": events}

    @property
    def shown(self) -> Object:
        """The content with its state, and without the values of secret variables."""
        found = copy.deepcopy(self.content)
        container = found["properties"]["containers"][0]["properties"]
        for item in container["environmentVariables"]:
            item.pop("secureValue", None)
        container["instanceView"] = self.view
        found["properties"] |= {"provisioningState": "Succeeded", "instanceView": {"events": [], "state": "Running"}}
        if address := found["properties"].get("ipAddress"):
            address |= {"ip": "20.0.0.1", "fqdn": FQDN.format(address.get("dnsNameLabel"))}
        return found


class Groups:
    """`images`: what runs, by digest. Like Azure it takes unknown keys silently."""

    def __init__(self, images: dict[str, Image]) -> None:
        self.images = images
        self.found: dict[str, Group] = {}

    def handle(self, method: str, parts: list[str], body: Object) -> Answer:
        if not parts:
            return Answer(200, {"value": [group.shown for group in self.found.values()]})
        name, *below = parts
        if method == "PUT":
            return self._put(name, body)
        if name not in self.found:
            message = f"The Resource 'Microsoft.ContainerInstance/containerGroups/{name}' was not found."
            if method == "DELETE":
                return Answer(204)
            raise Refused(404, "ResourceNotFound", message)
        group = self.found[name]
        if method == "DELETE":
            del self.found[name]
            return Answer(200, group.shown)
        if below == ["restart"]:
            group.began = time.monotonic()
            return Answer(204)
        if below and below[-1] == "logs":
            return Answer(200, {"content": f"{group.image.line}\n" if group.age > 0 else ""})
        return Answer(200, group.shown)

    def _put(self, name: str, body: Object) -> Answer:
        container = body["properties"]["containers"][0]["properties"]
        digest = container["image"].rpartition("@")[2]
        if digest not in self.images:
            message = f"The image '{container['image']}' in container group '{name}' is not accessible. "
            raise Refused(400, "InaccessibleImage", message + "Please check the image and registry credential.")
        if live := self.found.get(name):
            now, wanted = live.content["properties"], body["properties"]
            same = all(now.get(key) == wanted.get(key) for key in FIXED)
            if not same or live.container["resources"] != container["resources"]:
                message = (
                    f"The updates on container group '{name}' are invalid. If you are going to update the os type, "
                    "restart policy, network profile, CPU, memory or GPU resources for a container group, you must "
                    "delete it first and then create a new one."
                )
                raise Refused(400, "InvalidContainerGroupUpdate", message)
        self.found[name] = Group({"name": name, **copy.deepcopy(body)}, self.images[digest])
        return Answer(200 if live else 201, self.found[name].shown)

    def answer(self, host: str, path: str) -> tuple[int, bytes]:
        """Answer a request at a group's address."""
        label = host.partition(".")[0]
        addresses = {
            (group.content["properties"].get("ipAddress") or {}).get("dnsNameLabel"): group
            for group in self.found.values()
        }
        group = addresses.get(label)
        if group is None or not group.serves:
            return 502, b"connection refused"
        digest = group.container["image"].rpartition("@")[2]
        if path == "/health":
            return 200, json.dumps({"status": "ok", "image_digest": digest}).encode()
        return 200, json.dumps({"status": "ready", "schema": group.image.schema}).encode()
