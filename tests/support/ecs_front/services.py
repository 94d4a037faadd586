"""The deployments of each service, as its answers have shown them, and what is steady by the targets."""

import threading
import time
from contextlib import suppress

from tests.support.ecs_front.targets import CHECK_SECONDS, lock, targets
from tests.support.ecs_front.upstream import ecs_call

GRACE_SECONDS = 240.0  # healthCheckGracePeriodSeconds; generous, because a busy machine starts tasks slowly
BREAKER = 3  # failed tasks, after which a deployment fails
REPLACED = "Scaling activity initiated by deployment"


class Services:
    def __init__(self):
        self.deployments, self.begun, self.stopped = {}, {}, {}
        self.rolling, self.completed, self.replaced = {}, set(), []
        self.changing = threading.Lock()  # a deployment is begun or completed

    def learn(self, service):
        with lock:
            for item in service.get("deployments", ()):
                self.deployments[item["id"]] = (service["serviceName"], item["taskDefinition"], item["createdAt"])
                self.begun.setdefault(item["id"], time.monotonic())
            for balancer in service.get("loadBalancers", ()):
                targets.groups.setdefault(balancer["targetGroupArn"], {})

    def deployment_of(self, task):
        name = task.get("group", "").removeprefix("service:")
        with lock:
            found = [
                (created, id_)
                for id_, (service, definition, created) in self.deployments.items()
                if service == name and definition == task["taskDefinitionArn"] and created <= task["createdAt"] + 0.5
            ]
        return max(found)[1] if found else task.get("startedBy", "")

    def correct_task(self, task):
        if task.get("group", "").startswith("service:"):
            task["startedBy"] = self.deployment_of(task)
        if task.get("taskArn") in self.stopped:
            task |= {"stoppedReason": self.stopped[task["taskArn"]], "stopCode": "ServiceSchedulerInitiated"}
            for container in task.get("containers", ()):
                container.pop("exitCode", None)
        return {key: value for key, value in task.items() if value != ""}

    def correct_service(self, service):
        self.learn(service)
        if held := self.rolling.get(service["serviceArn"]):
            service |= {"desiredCount": held["desired"], "deploymentConfiguration": held["configuration"]}
        kept = [item for item in service["deployments"] if item["status"] == "PRIMARY" or item["runningCount"]]
        service["deployments"] = kept
        for item in kept:
            item["desiredCount"] = min(item["desiredCount"], service["desiredCount"])
            if held and item["status"] == "PRIMARY" and item.get("failedTasks", 0) >= BREAKER:
                item |= {"rolloutState": "FAILED", "rolloutStateReason": "tasks failed to start"}
            if item["id"] in self.completed:
                item |= {"rolloutState": "COMPLETED", "rolloutStateReason": "ECS deployment completed."}
        primary = next((item for item in service["deployments"] if item["status"] == "PRIMARY"), None)
        if primary and primary.get("rolloutState") == "COMPLETED" and service.get("loadBalancers"):
            healthy = sum(
                targets.state(task["address"])[0] == "healthy"
                for task in running_tasks(service)
                if task["deployment"] == primary["id"]
            )
            if healthy < service["desiredCount"]:
                primary |= {"rolloutState": "IN_PROGRESS", "rolloutStateReason": "ECS deployment in progress."}
                self.stop_sick(service, primary)
        return service

    def begin(self, asked):
        """Return the parameters of UpdateService with which the emulator keeps the old tasks for now."""
        live = ecs_call("DescribeServices", cluster=asked["cluster"], services=[asked["service"]])["services"][0]
        arn, held = live["serviceArn"], self.rolling.pop(live["serviceArn"], None)
        desired = asked.get("desiredCount", held["desired"] if held else live["desiredCount"])
        configuration = asked.get(
            "deploymentConfiguration", (held or live).get("configuration" if held else "deploymentConfiguration")
        )
        renewed = asked.get("taskDefinition", live["taskDefinition"]) != live["taskDefinition"]
        renewed = renewed or asked.get("forceNewDeployment", False)
        # Counted task by task: the emulator's own counts leave out a task that has just been asked for.
        old = len(list(running_tasks(live)))
        if held and renewed:
            old -= len(self.replace(live))
        renewed = renewed or bool(held)
        if not (renewed and desired and old and live["loadBalancers"]):
            return {**asked, "desiredCount": desired, "deploymentConfiguration": configuration}
        self.rolling[arn] = {
            "desired": desired,
            "configuration": configuration,
            "cluster": asked["cluster"],
            "service": asked["service"],
        }
        room = -(-(old + desired) * 100 // (desired + 1))
        # The emulator's own breaker stops the tasks of the release before, too.
        breaker = {"enable": True, "rollback": False, "thresholdConfiguration": {"type": "COUNT", "value": 1000}}
        limits = {"maximumPercent": room, "minimumHealthyPercent": 100, "deploymentCircuitBreaker": breaker}
        return {**asked, "desiredCount": desired + 1, "deploymentConfiguration": {**configuration, **limits}}

    def replace(self, live):
        """Note the tasks of a deployment that another one replaces before it is complete: ECS stops these first."""
        self.learn(live)
        primary = next(item["id"] for item in live["deployments"] if item["status"] == "PRIMARY")
        tasks = [task for task in running_tasks(live) if task["deployment"] == primary]
        self.replaced += [(live["clusterArn"], live["serviceName"], task) for task in tasks]
        return tasks

    def stop_replaced(self):
        """Stop them once the emulator has begun the new deployment, and let it start its tasks in their place."""
        draining = {task["address"] for _, _, task in self.replaced} - {""}
        targets.draining |= draining
        if draining:
            time.sleep(1)  # the deregistration delay
        while self.replaced:
            cluster, service, task = self.replaced.pop()
            self.stopped[task["arn"]] = f"{REPLACED} {task['deployment']}"
            ecs_call("StopTask", cluster=cluster, task=task["arn"], reason="replaced")
            live = ecs_call("DescribeServices", cluster=cluster, services=[service])["services"][0]
            ecs_call("UpdateService", cluster=cluster, service=service, desiredCount=live["desiredCount"])
        targets.draining -= draining

    def settle(self):
        """Drain the old tasks of services whose new ones are healthy."""
        for arn, held in list(self.rolling.items()):
            found = ecs_call("DescribeServices", cluster=held["cluster"], services=[held["service"]])["services"]
            primary = next((item for item in found[0]["deployments"] if item["status"] == "PRIMARY"), None)
            if found[0]["status"] != "ACTIVE" or primary is None:
                self.rolling.pop(arn, None)
                continue
            self.learn(found[0])
            new, old = [], []
            for task in running_tasks(found[0]):
                (new if task["deployment"] == primary["id"] else old).append(task)
            if sum(targets.state(task["address"])[0] == "healthy" for task in new) < held["desired"]:
                if primary["rolloutState"] != "FAILED":
                    self.stop_sick({**found[0], "clusterArn": held["cluster"]}, primary)
                continue
            if self.rolling.pop(arn, None) is None:
                continue
            targets.draining |= {task["address"] for task in old}
            time.sleep(1)  # the deregistration delay
            for task in old:
                ecs_call("StopTask", cluster=held["cluster"], task=task["arn"], reason="Deployment completed")
            ecs_call(
                "UpdateService",
                cluster=held["cluster"],
                service=held["service"],
                desiredCount=held["desired"],
                deploymentConfiguration=held["configuration"],
            )
            self.completed.add(primary["id"])
            targets.draining -= {task["address"] for task in old}  # another task will have the address

    def run(self):
        while True:
            with suppress(OSError, KeyError, IndexError), self.changing:
                self.settle()
            time.sleep(CHECK_SECONDS)

    def stop_sick(self, service, primary):
        """ECS stops a task whose target stays unhealthy after the grace period, and starts another."""
        if time.monotonic() - self.begun[primary["id"]] < GRACE_SECONDS:
            return
        for task in running_tasks(service):
            if task["deployment"] == primary["id"] and targets.state(task["address"])[0] == "unhealthy":
                self.stopped[task["arn"]] = "Task failed ELB health checks in (target-group shop)"
                ecs_call("StopTask", cluster=service["clusterArn"], task=task["arn"], reason="failed health checks")
                where = {"cluster": service["clusterArn"], "service": service["serviceName"]}
                live = ecs_call("DescribeServices", cluster=where["cluster"], services=[where["service"]])
                ecs_call("UpdateService", **where, desiredCount=live["services"][0]["desiredCount"])  # starts another


def running_tasks(service):
    """Return the tasks of a service that run, or are being started."""
    arns = ecs_call("ListTasks", cluster=service["clusterArn"], serviceName=service["serviceName"])["taskArns"]
    found = ecs_call("DescribeTasks", cluster=service["clusterArn"], tasks=arns)["tasks"] if arns else []
    for task in found:
        details = [item for each in task.get("attachments", ()) for item in each.get("details", ())]
        address = next((item["value"] for item in details if item["name"] == "privateIPv4Address"), "")
        yield {"arn": task["taskArn"], "address": address, "deployment": services.deployment_of(task)}


services = Services()
