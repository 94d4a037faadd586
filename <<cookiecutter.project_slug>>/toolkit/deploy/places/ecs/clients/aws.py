# /// script
# requires-python = ">=3.11"
# dependencies = ["boto3>=1.42,<2"]
# ///
"""Call AWS: a JSON object on each line of the input, its answer on a line of the output, until the input ends.

Question: {"service": "ecs", "operation": "describe_services", "parameters": {...}}. Answer: {"answer": {...}, "date":
"..."} or {"error": {"code": "...", "message": "..."}}. The argument is the region. Credentials and endpoints are
boto3's own (AWS_PROFILE, AWS_ENDPOINT_URL, ...).
"""

import json
import sys
from datetime import datetime

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# Standard mode repeats throttled calls, timeouts and 5xx, with growing pauses.
CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 6})


def main(region: str) -> None:
    session = boto3.Session(region_name=region)
    clients: dict[str, boto3.client] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answer(session, clients, asked), default=text), flush=True)


def answer(session: boto3.Session, clients: dict[str, "boto3.client"], asked: dict[str, object]) -> dict[str, object]:
    """Return the answer, or what failed."""
    service, operation = str(asked["service"]), str(asked["operation"])
    try:
        if service not in clients:
            clients[service] = session.client(service, config=CONFIG)
        found = getattr(clients[service], operation)(**asked["parameters"])
        metadata = found.pop("ResponseMetadata", {})
        if hasattr(found.get("Body"), "read"):
            found["Body"] = found["Body"].read().decode()
        return {"answer": found, "date": metadata.get("HTTPHeaders", {}).get("date", "")}
    except ClientError as error:
        given = error.response.get("Error", {})
        return {"error": {"code": given.get("Code", "Unknown"), "message": given.get("Message", str(error))}}
    except BotoCoreError as error:
        return {"error": {"code": type(error).__name__, "message": str(error)}}


def text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


if __name__ == "__main__":
    main(sys.argv[1])
