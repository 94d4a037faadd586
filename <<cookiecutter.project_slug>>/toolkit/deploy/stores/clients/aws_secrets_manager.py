# /// script
# requires-python = ">=3.11"
# dependencies = ["boto3>=1.42,<2"]
# ///
"""Read secrets of AWS Secrets Manager: names or ARNs as a JSON list on the input, name -> value or null on the output.

Credentials and endpoint are boto3's own (AWS_PROFILE, AWS_ENDPOINT_URL_SECRETS_MANAGER, ...). Exit code 3: refused;
4: not reached.
"""

import json
import os
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def value(client: "boto3.client", key: str) -> str | None:
    """Return the text of the version AWSCURRENT."""
    try:
        answer = client.get_secret_value(SecretId=key)
    except client.exceptions.ResourceNotFoundException:
        return None
    return answer.get("SecretString")


def main() -> None:
    try:
        # boto3 itself reads only AWS_DEFAULT_REGION; None leaves that and the profile's region to it.
        client = boto3.client("secretsmanager", region_name=os.environ.get("AWS_REGION"))
        print(json.dumps({key: value(client, key) for key in json.load(sys.stdin)}))
    except ClientError as error:
        sys.exit(_failed(3, error))
    except BotoCoreError as error:
        sys.exit(_failed(4, error))


def _failed(code: int, error: Exception) -> int:
    print(error, file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
