# /// script
# requires-python = ">=3.11"
# dependencies = ["google-cloud-secret-manager>=2.24,<3", "requests>=2.32,<3"]
# ///
"""Read secrets of Google Secret Manager: PROJECT/NAME as a JSON list on the input, JSON on the output.

Credentials are the application default ones. SECRET_MANAGER_ENDPOINT: a regional or private endpoint. Exit code 3:
refused; 4: not reached.
"""

import json
import os
import sys

from google.api_core.exceptions import GoogleAPICallError, NotFound, RetryError
from google.auth.exceptions import GoogleAuthError
from google.cloud.secretmanager import SecretManagerServiceClient


def value(client: SecretManagerServiceClient, key: str) -> str | None:
    """Return the newest enabled version."""
    project, _, name = key.partition("/")
    try:
        answer = client.access_secret_version(name=f"projects/{project}/secrets/{name}/versions/latest", timeout=10)
    except NotFound:
        return None
    return answer.payload.data.decode()


def main() -> None:
    endpoint = os.environ.get("SECRET_MANAGER_ENDPOINT")
    options = {"api_endpoint": endpoint} if endpoint else {}
    try:
        client = SecretManagerServiceClient(transport="rest", client_options=options)  # REST: it knows HTTPS_PROXY
        print(json.dumps({key: value(client, key) for key in json.load(sys.stdin)}))
    except (GoogleAuthError, RetryError, OSError) as error:
        sys.exit(_failed(4, error))
    except GoogleAPICallError as error:
        sys.exit(_failed(3, error))


def _failed(code: int, error: Exception) -> int:
    print(error, file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
