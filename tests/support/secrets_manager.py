"""A secret in AWS Secrets Manager, by the emulator of the part `aws`."""

import json
import os
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any

CONTENT_TYPE = "application/x-amz-json-1.1"


def put(name: str, value: str) -> str:
    """Write a new version of a secret, which is made if there is none. Returns the version's id."""
    names = [item["Name"] for item in _call("ListSecrets", {"MaxResults": 100})["SecretList"]]
    if name not in names:
        return str(_call("CreateSecret", {"Name": name, "SecretString": value})["VersionId"])
    token = {"ClientRequestToken": str(uuid.uuid4())}
    return str(_call("PutSecretValue", {"SecretId": name, "SecretString": value, **token})["VersionId"])


def delete(name: str) -> None:
    _call("DeleteSecret", {"SecretId": name, "ForceDeleteWithoutRecovery": True})


def _call(action: str, body: Mapping[str, object]) -> dict[str, Any]:
    region = os.environ["TEST_AWS_REGION"]
    # The emulator takes the region from the credential's scope, and checks no signature.
    scope = f"{os.environ['TEST_AWS_ACCESS_KEY_ID']}/20260101/{region}/secretsmanager/aws4_request"
    headers = {
        "Content-Type": CONTENT_TYPE,
        "X-Amz-Target": f"secretsmanager.{action}",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    request = urllib.request.Request(os.environ["TEST_AWS_ENDPOINT"], json.dumps(body).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own address
        found: dict[str, Any] = json.loads(answer.read() or "{}")
        return found
