# /// script
# requires-python = ">=3.11"
# dependencies = ["botocore>=1.42,<2"]
# ///
"""A proxy in front of the emulator of AWS, and a load balancer in front of its tasks.

The emulator calls every target healthy, stops the old tasks a second after the new ones have started, names no
deployment in its tasks, and is never throttled. The proxy corrects this by what really runs: the load balancer asks
each target for `/ready`, and a deployment is complete when all of its targets are healthy; only then are the old tasks
drained. Until then the emulator is asked for one task more than it has room for. Every answer that the proxy makes or
changes is validated by botocore's own model of the service. `POST /_control` with JSON sets the faults: {"throttle":
SHARE, "expired": BOOL, "autoscaled": BOOL}.

Prints its two ports. Argument: the emulator's address.
"""

import http.client
import json
import random
import re
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import botocore.loaders
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

ECS, SCALING = "AmazonEC2ContainerServiceV20141113", "AnyScaleFrontendService"
SICK_AFTER = 3  # failed checks in a row
CHECK_SECONDS = 0.3
GRACE_SECONDS = 45.0  # healthCheckGracePeriodSeconds, for a test that waits for it
BREAKER = 3  # failed tasks, after which a deployment fails
HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "host", "accept-encoding", "expect")

loader = botocore.loaders.Loader()
upstream = ""
faults = {"throttle": 0.0, "expired": False, "autoscaled": False}
counts = Counter()
lock = threading.RLock()
chance = random.Random(7)  # noqa: S311 - no secret


class Targets:
    """Health of each target, by group, from its own answers."""

    def __init__(self):
        self.groups, self.health, self.draining, self.turn = {}, {}, set(), 0

    def watch(self):
        while True:
            for group in list(self.groups):
                with suppress(OSError):
                    self.look(group)
            time.sleep(CHECK_SECONDS)

    def look(self, group):
        body = f"Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn={group}"
        _, _, text = send("POST", "/", form("elasticloadbalancing"), body.encode())
        found = re.findall(r"<Id>([^<]+)</Id>\s*<Port>(\d+)</Port>", text.decode())
        self.groups[group] = {ip: int(port) for ip, port in found}
        for ip, port in self.groups[group].items():
            status = ready(ip, port)
            state, bad, _ = self.health.get(ip, ("initial", 0, ""))
            bad = 0 if status == 200 else bad + 1
            state = "healthy" if status == 200 else "unhealthy" if bad >= SICK_AFTER else state
            self.health[ip] = (state, bad, status or "no answer")
        known = {ip for each in self.groups.values() for ip in each}
        for ip in self.health.keys() - known:
            del self.health[ip]

    def state(self, ip):
        """A healthy target stays so until several checks in a row have failed."""
        state, _, status = self.health.get(ip, ("initial", 0, ""))
        if state == "healthy":
            return "healthy", "", ""
        if state == "unhealthy":
            return "unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"
        return "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"

    def choose(self):
        with lock:
            usable = [
                (ip, port)
                for targets in self.groups.values()
                for ip, port in targets.items()
                if ip not in self.draining and self.state(ip)[0] == "healthy"
            ]
            self.turn += 1
            return usable[self.turn % len(usable)] if usable else None


targets = Targets()


def ready(ip, port):
    connection = http.client.HTTPConnection(ip, port, timeout=5)  # is to run out: a health check
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def form(service):
    date = time.strftime("%Y%m%d")
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"AWS4-HMAC-SHA256 Credential=test/{date}/{region}/{service}/aws4_request, "
        "SignedHeaders=host, Signature=0",
    }


def ecs_call(operation, **parameters):
    headers = {**form("ecs"), "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{ECS}.{operation}"}
    _, _, text = send("POST", "/", headers, json.dumps(parameters).encode())
    return json.loads(text)


def send(method, path, headers, body):
    connection = http.client.HTTPConnection(upstream, timeout=120)
    try:
        kept = {name: value for name, value in headers.items() if name.lower() not in HOP}
        connection.request(method, path, body or None, kept)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


def validated(service, operation, answer):
    """Return the answer, which has to be one that botocore's model of the service allows."""
    model = ServiceModel(loader.load_service_model(service, "service-2"), service)
    report = ParamValidator().validate(answer, model.operation_model(operation).output_shape)
    assert not report.has_errors(), f"{service} {operation}: {report.generate_report()}"
    return answer


class Services:
    """The deployments of each service, as its answers have shown them, and what is steady by the targets."""

    def __init__(self):
        self.deployments, self.begun, self.stopped = {}, {}, {}
        self.rolling, self.completed = {}, set()

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
        old = live["runningCount"]
        if held and not renewed:
            renewed = True
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
            with suppress(OSError, KeyError, IndexError):
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
    arns = ecs_call("ListTasks", cluster=service["clusterArn"], serviceName=service["serviceName"])["taskArns"]
    found = ecs_call("DescribeTasks", cluster=service["clusterArn"], tasks=arns)["tasks"] if arns else []
    for task in found:
        details = [item for each in task.get("attachments", ()) for item in each.get("details", ())]
        address = next((item["value"] for item in details if item["name"] == "privateIPv4Address"), "")
        yield {"arn": task["taskArn"], "address": address, "deployment": services.deployment_of(task)}


services = Services()


def health_answer(group):
    """Answer DescribeTargetHealth from the load balancer's own view."""
    descriptions = []
    for ip, port in targets.groups.get(group, {}).items():
        state, reason, description = targets.state(ip)
        health = {"State": state, "Reason": reason, "Description": description}
        kept = {key: value for key, value in health.items() if value}
        descriptions.append({"Target": {"Id": ip, "Port": port}, "TargetHealth": kept})
    answer = validated("elbv2", "DescribeTargetHealth", {"TargetHealthDescriptions": descriptions})
    members = "".join(
        f"<member><Target><Id>{item['Target']['Id']}</Id><Port>{item['Target']['Port']}</Port></Target><TargetHealth>"
        + "".join(f"<{key}>{escape(value)}</{key}>" for key, value in item["TargetHealth"].items())
        + "</TargetHealth></member>"
        for item in answer["TargetHealthDescriptions"]
    )
    name = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
    result = f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
    text = f"<DescribeTargetHealthResult>{result}</DescribeTargetHealthResult>"
    return f'<DescribeTargetHealthResponse xmlns="{name}">{text}</DescribeTargetHealthResponse>'.encode()


def scaling_answer(cluster_and_service):
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": cluster_and_service,
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 1,
        "MaxCapacity": 4,
        "RoleARN": "arn:aws:iam::000000000000:role/scaling",
        "CreationTime": 1700000000,
    }
    answer = {"ScalableTargets": [target] if faults["autoscaled"] else []}
    return json.dumps(validated("application-autoscaling", "DescribeScalableTargets", answer)).encode()


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, headers, content):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP:
                self.send_header(name, value)
        if self.command == "HEAD":
            length = {name.lower(): value for name, value in headers}.get("content-length", "0")
            self.send_header("Content-Length", length)
        else:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format, *args):
        pass


class Api(Answering):
    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_control":
            faults.update(json.loads(body or b"{}"))
            return self.reply(200, [], json.dumps({"faults": faults, "calls": counts}).encode())
        target = self.headers.get("X-Amz-Target", "")
        query = parse_qs(body.decode(errors="replace")) if "form" in self.headers.get("Content-Type", "") else {}
        operation = target.partition(".")[2] or query.get("Action", [""])[0] or f"s3:{self.command}"
        counts[operation] += 1
        if fault := self.fault(operation):
            return self.fail(target, query, *fault)
        if target == f"{SCALING}.DescribeScalableTargets":
            content = scaling_answer(json.loads(body)["ResourceIds"][0])
            return self.reply(200, [("Content-Type", "application/x-amz-json-1.1")], content)
        if operation == "DescribeTargetHealth":
            group = query["TargetGroupArn"][0]
            targets.groups.setdefault(group, {})
            return self.reply(200, [("Content-Type", "text/xml")], health_answer(group))
        if target == f"{ECS}.UpdateService":
            body = json.dumps(services.begin(json.loads(body))).encode()
        status, headers, content = send(self.command, self.path, dict(self.headers.items()), body)
        if status == 200 and target.startswith(ECS):
            content = self.corrected(operation, content)
        return self.reply(status, headers, content)

    def corrected(self, operation, content):
        answer = json.loads(content)
        if operation in ("DescribeServices", "UpdateService", "CreateService"):
            listed = answer["services"] if "services" in answer else [answer["service"]]
            for service in listed:
                services.correct_service(service)
        elif operation in ("DescribeTasks", "RunTask"):
            answer["tasks"] = [services.correct_task(task) for task in answer["tasks"]]
        else:
            return content
        return json.dumps(validated("ecs", operation, answer)).encode()

    def fault(self, operation):
        if faults["expired"]:
            return "ExpiredTokenException", "The security token included in the request is expired"
        if chance.random() < faults["throttle"]:
            counts["throttled"] += 1
            return "ThrottlingException", "Rate exceeded"
        return None

    def fail(self, target, query, code, message):
        if target:
            content = json.dumps({"__type": code, "message": message}).encode()
            return self.reply(400, [("Content-Type", "application/x-amz-json-1.1")], content)
        code = {"ExpiredTokenException": "ExpiredToken", "ThrottlingException": "Throttling"}[code]
        if not query:  # S3
            code = {"Throttling": "SlowDown"}.get(code, code)
            text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            return self.reply(503 if code == "SlowDown" else 400, [("Content-Type", "application/xml")], text.encode())
        text = f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
        text = f"<ErrorResponse><Error>{text}</Error></ErrorResponse>"
        return self.reply(400, [("Content-Type", "text/xml")], text.encode())

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any


class Balancer(Answering):
    """Sends each request to a healthy target, and answers 503 without one. Nothing is repeated."""

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chosen = targets.choose()
        if chosen is None:
            return self.reply(503, [], b"no healthy target")
        connection = http.client.HTTPConnection(*chosen, timeout=60)
        try:
            kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            connection.request(self.command, self.path, body or None, kept)
            answer = connection.getresponse()
            content = answer.read()
            return self.reply(answer.status, answer.getheaders(), content)
        except OSError as error:
            return self.reply(502, [], repr(error).encode())
        finally:
            connection.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any


if __name__ == "__main__":
    upstream, region = urlsplit(sys.argv[1]).netloc, sys.argv[2]
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Api, Balancer)]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for work in (targets.watch, services.run):
        threading.Thread(target=work, daemon=True).start()
    print(*(server.server_port for server in servers), flush=True)
    sys.stdin.read()  # until the test ends
