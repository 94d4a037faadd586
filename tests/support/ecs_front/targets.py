"""The load balancer's view: the health of each target, by its own answers to `/ready`."""

import http.client
import re
import threading
import time
from contextlib import suppress
from xml.sax.saxutils import escape

from tests.support.ecs_front.upstream import form, send, validated

SICK_AFTER = 3  # failed checks in a row
CHECK_SECONDS = 0.3
lock = threading.RLock()


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
    connection = http.client.HTTPConnection(ip, port, timeout=15)  # is to run out: a health check
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


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
