# /// script
# requires-python = ">=3.11"
# dependencies = ["hvac>=2.4,<3"]
# ///
"""Read secrets of HashiCorp Vault or OpenBao, KV version 2: MOUNT/PATH as a JSON list on the input, JSON on the output.

Address and token are Vault's own variables: VAULT_ADDR, VAULT_TOKEN (or ~/.vault-token), VAULT_NAMESPACE, VAULT_CACERT.
Exit code 3: refused; 4: not reached.
"""

import json
import os
import sys

import hvac
import requests
from hvac.exceptions import InvalidPath, VaultError


def value(client: hvac.Client, key: str) -> str | None:
    """Return the data of the newest version, a JSON object."""
    mount, _, path = key.partition("/")
    try:
        answer = client.secrets.kv.v2.read_secret_version(path, mount_point=mount, raise_on_deleted_version=True)
    except InvalidPath:
        return None
    return json.dumps(answer["data"]["data"])


def main() -> None:
    client = hvac.Client(namespace=os.environ.get("VAULT_NAMESPACE"), timeout=10)
    try:
        print(json.dumps({key: value(client, key) for key in json.load(sys.stdin)}))
    except VaultError as error:
        sys.exit(_failed(3, error))
    except requests.RequestException as error:
        sys.exit(_failed(4, error))


def _failed(code: int, error: Exception) -> int:
    print(error, file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
