"""Jobs of the Azure of the tests, and their executions."""

import copy
import time

from tests.support.arm_operations import Operations
from tests.support.arm_values import JOB_SECONDS, Answer, Image, Object, Refused


class Jobs:
    """`images`: what runs, by digest."""

    def __init__(self, images: dict[str, Image], operations: Operations) -> None:
        self.images, self.operations = images, operations
        self.jobs: dict[str, Object] = {}
        self.executions: dict[str, list[Object]] = {}

    def image_of(self, template: Object) -> Image:
        return self.images[template["containers"][0]["image"].rpartition("@")[2]]

    def handle(self, method: str, parts: list[str], body: Object) -> Answer:
        if not parts:
            return Answer(200, {"value": [{"name": name, **job} for name, job in self.jobs.items()]})
        name, *below = parts
        if method == "PUT":
            if len(name) > 32:
                raise Refused(400, "InvalidJobName", f"{name} has more than 32 characters")
            created = name not in self.jobs
            self.jobs[name] = body
            return self.operations.begin(201 if created else 200, by_status=True)
        if name not in self.jobs:
            if below == ["executions"]:
                raise Refused(404, "ResourceNotFound", f"The Resource 'Microsoft.App/jobs/{name}' was not found.")
            raise Refused(404, "ResourceNotFound", f"Job {name} was not found.")
        if method == "DELETE":
            del self.jobs[name]
            return self.operations.begin(202)
        ran = self.executions.setdefault(name, [])
        if below == ["start"]:
            started = {"name": f"{name}-e{len(ran)}", "began": time.monotonic(), "job": copy.deepcopy(self.jobs[name])}
            ran.append(started)
            return self.operations.begin(202, result={"name": started["name"]})
        shown = [self._execution(item) for item in ran]
        if below == ["executions"]:
            return Answer(200, {"value": shown[::-1]})
        found = [item for item in shown if item["name"] == below[1]]
        if not found:
            raise Refused(404, "JobExecutionNotFound", f"Execution {below[1]} was not found")
        return Answer(200, found[0])

    def _execution(self, item: Object) -> Object:
        template = item["job"]["properties"]["template"]
        status = "Running"
        if time.monotonic() - item["began"] > JOB_SECONDS:
            status = "Failed" if self.exit_of(item) else "Succeeded"
        return {"name": item["name"], "properties": {"status": status, "template": template}}

    def exit_of(self, execution: Object) -> int:
        container = execution["job"]["properties"]["template"]["containers"][0]
        if container.get("command"):
            return int(container["command"][-1]) if container["command"][-1].isdecimal() else 0
        return self.image_of(execution["job"]["properties"]["template"]).migrates
