"""Versions in `valueFrom`, which the emulator ignores: each is a secret of its own there."""

import json

from tests.support.ecs_front.upstream import SECRETS, call

PARTS = 10  # an ARN of seven, property, stage and version
shadows = {}  # reference for the emulator -> the one that was asked for


def shadowed(body):
    """Return the parameters of RegisterTaskDefinition with references that the emulator understands."""
    asked = json.loads(body)
    for container in asked.get("containerDefinitions", ()):
        for item in container.get("secrets", ()):
            parts = item["valueFrom"].split(":")
            if len(parts) == PARTS and parts[-1]:
                item["valueFrom"] = _shadow(item["valueFrom"], ":".join(parts[:7]), parts[7], parts[-1])
    return json.dumps(asked).encode()


def shown(content):
    """Return an answer with the references that were asked for."""
    for shadow, asked in shadows.items():
        content = content.replace(shadow.encode(), asked.encode())
    return content


def _shadow(asked, arn, name, version):
    made = f"pinned-{version}"
    status, answer = call(SECRETS, SECRETS, "GetSecretValue", SecretId=arn, VersionId=version)
    if status == 200:
        call(SECRETS, SECRETS, "CreateSecret", Name=made, SecretString=answer["SecretString"])
    status, found = call(SECRETS, SECRETS, "DescribeSecret", SecretId=made)
    base = found["ARN"] if status == 200 else arn + "-gone"
    shadow = f"{base}:{name}::" if name else base
    shadows[shadow] = asked
    return shadow
