"""The API of AWS: the emulator's answers, corrected, and faults."""

import json
import random
from collections import Counter
from contextlib import nullcontext
from urllib.parse import parse_qs

from tests.support.ecs_front import schedules, versions
from tests.support.ecs_front.answering import Answering
from tests.support.ecs_front.services import services
from tests.support.ecs_front.targets import health_answer, targets
from tests.support.ecs_front.upstream import ECS, send, validated

SCALING = "AnyScaleFrontendService"
faults = {"throttle": 0.0, "expired": False, "autoscaled": False}
counts = Counter()
chance = random.Random(7)  # noqa: S311 - no secret


def scaling_answer(asked):
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": asked[0],
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 1,
        "MaxCapacity": 4,
        "RoleARN": "arn:aws:iam::000000000000:role/scaling",
        "CreationTime": 1700000000,
    }
    answer = {"ScalableTargets": [target] if faults["autoscaled"] else []}
    return json.dumps(validated("application-autoscaling", "DescribeScalableTargets", answer)).encode()


class Api(Answering):
    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_control":
            asked = json.loads(body or b"{}")
            if name := asked.pop("fire", ""):
                schedules.fire(name)
            faults.update(asked)
            return self.reply(200, [], json.dumps({"faults": faults, "calls": counts}).encode())
        target = self.headers.get("X-Amz-Target", "")
        query = parse_qs(body.decode(errors="replace")) if "form" in self.headers.get("Content-Type", "") else {}
        operation = target.partition(".")[2] or query.get("Action", [""])[0] or f"s3:{self.command}"
        counts[operation] += 1
        if fault := self.fault(operation):
            return self.fail(target, query, *fault)
        if target == f"{SCALING}.DescribeScalableTargets":
            content = scaling_answer(json.loads(body)["ResourceIds"])
            return self.reply(200, [("Content-Type", "application/x-amz-json-1.1")], content)
        if operation == "DescribeTargetHealth":
            group = query["TargetGroupArn"][0]
            targets.groups.setdefault(group, {})
            return self.reply(200, [("Content-Type", "text/xml")], health_answer(group))
        if target == f"{ECS}.RegisterTaskDefinition":
            body = versions.shadowed(body)
        with services.changing if target == f"{ECS}.UpdateService" else nullcontext():
            if target == f"{ECS}.UpdateService":
                body = json.dumps(services.begin(json.loads(body))).encode()
            status, headers, content = send(self.command, self.path, dict(self.headers.items()), body)
            if target == f"{ECS}.UpdateService":
                services.stop_replaced()
        if status == 200 and target.startswith(ECS):
            content = versions.shown(self.corrected(operation, content))
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
