# /// script
# requires-python = ">=3.11"
# dependencies = ["azure-identity>=1.24,<2", "azure-keyvault-secrets>=4.10,<5"]
# ///
"""Read secrets of Azure Key Vault: VAULT/NAME as a JSON list on the input, JSON on the output.

VAULT is a name, or a host such as NAME.vault.usgovcloudapi.net. Credentials are those of DefaultAzureCredential. Exit
code 3: refused; 4: not reached.
"""

import json
import sys

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient


def value(credential: DefaultAzureCredential, key: str) -> str | None:
    """Return the newest version."""
    vault, _, name = key.partition("/")
    host = vault if "." in vault else f"{vault}.vault.azure.net"
    # The challenge's resource is that of the public cloud; other hosts have their own.
    client = SecretClient(f"https://{host}", credential, verify_challenge_resource=host.endswith(".vault.azure.net"))
    try:
        return client.get_secret(name).value
    except ResourceNotFoundError:
        return None


def main() -> None:
    credential = DefaultAzureCredential()
    try:
        print(json.dumps({key: value(credential, key) for key in json.load(sys.stdin)}))
    except ClientAuthenticationError as error:
        sys.exit(_failed(4, error))
    except HttpResponseError as error:
        sys.exit(_failed(3, error))
    except AzureError as error:
        sys.exit(_failed(4, error))


def _failed(code: int, error: Exception) -> int:
    print(error, file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
