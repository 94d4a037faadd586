"""EventBridge Scheduler, which the emulator keeps without starting tasks: a test fires a schedule."""

import json

from tests.support.ecs_front.upstream import ecs_call, form, send


def fire(name):
    """Start the task of a schedule, as the scheduler does at its time. Returns the ARN of the task."""
    status, _, text = send("GET", f"/schedules/{name}", form("scheduler"), b"")
    assert status == 200, text
    schedule = json.loads(text)
    assert schedule["State"] == "ENABLED", schedule
    target = schedule["Target"]
    given = target["EcsParameters"]
    awsvpc = given["NetworkConfiguration"]["awsvpcConfiguration"]
    made = ecs_call(
        "RunTask",
        cluster=target["Arn"],
        taskDefinition=given["TaskDefinitionArn"],
        count=given["TaskCount"],
        launchType=given["LaunchType"],
        networkConfiguration={"awsvpcConfiguration": {key[0].lower() + key[1:]: item for key, item in awsvpc.items()}},
        startedBy=f"chronos-schedule/{name}"[:36],
    )
    return made["tasks"][0]["taskArn"]
