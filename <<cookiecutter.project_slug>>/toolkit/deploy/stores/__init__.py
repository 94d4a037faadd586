"""Secrets managers. The deployer reads the values, and the release carries them; no file, argument or log has them.

Each store is a script with its own dependencies (PEP 723), which uv installs into an environment of its own: the
client of AWS cannot be installed beside that of Kubernetes, and a service without a store needs no client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.deploy import process
from toolkit.deploy.outcomes import fail
from toolkit.dev import bootstrap

SECONDS = 300  # the first call installs the client
# Exit codes of the scripts.
REFUSED, UNREACHABLE = 3, 4


@dataclass(frozen=True)
class Store:
    """A store: its client in `clients/`, and the next steps when it refuses, or is not reached."""

    title: str
    client: str
    refused: str
    unreachable: str


STORES = {
    "aws": Store(
        "AWS Secrets Manager",
        "aws_secrets_manager",
        "allow these credentials secretsmanager:GetSecretValue; `aws sts get-caller-identity` shows whose they are",
        "set AWS_REGION, and AWS_PROFILE or the variables of your credentials",
    ),
    "azure": Store(
        "Azure Key Vault",
        "azure_key_vault",
        "grant these credentials the role `Key Vault Secrets User` on the vault",
        "run `az login`, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET; check the vault's name",
    ),
    "google": Store(
        "Google Secret Manager",
        "google_secret_manager",
        "grant these credentials roles/secretmanager.secretAccessor on the secret",
        "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS",
    ),
    "vault": Store(
        "Vault",
        "hashicorp_vault",
        "check VAULT_TOKEN, and that its policy allows to read the key",
        "set VAULT_ADDR to the address of your Vault",
    ),
}


@dataclass(frozen=True)
class Reference:
    """A secret of a store, or one property of a secret whose value is a JSON object."""

    key: str
    property: str = ""

    def __str__(self) -> str:
        return f"{self.key}#{self.property}" if self.property else self.key


def reference(text: str) -> Reference:
    """Parse `catalogue/database#url`. Pure."""
    key, _, name = text.partition("#")
    return Reference(key, name)


def read(store: str, keys: Mapping[str, str]) -> dict[str, str]:
    """Return the newest value of each variable; `keys`: variable -> reference.

    Raises Failed STORE_REFUSED, STORE_UNREACHABLE, STORE_FAILED, and SECRET_NOT_FOUND with every missing one.
    """
    wanted = {variable: reference(text) for variable, text in sorted(keys.items())}
    found = _asked(store, sorted({each.key for each in wanted.values()}))
    values, missing = {}, []
    for variable, each in wanted.items():
        value = chosen(found[each.key], each)
        if value is not None:
            values[variable] = value
        elif found[each.key] is None:
            missing.append(f"{variable}: {each} does not exist")
        else:
            missing.append(f"{variable}: {each.key} has no property {each.property}")
    if missing:
        hint = "create them there, or correct `secret.keys` in deploy/inventory.yaml"
        raise fail("SECRET_NOT_FOUND", f"secrets are missing in {STORES[store].title}", *missing, hint=hint)
    return values


def chosen(value: str | None, wanted: Reference) -> str | None:
    """Return the value, or the property of a JSON object; None where there is none. Pure."""
    if value is None or not wanted.property:
        return value
    try:
        content = json.loads(value)
    except ValueError:
        return None
    found = content.get(wanted.property) if isinstance(content, Mapping) else None
    return found if found is None or isinstance(found, str) else json.dumps(found)


def _asked(store: str, keys: list[str]) -> dict[str, str | None]:
    uv = bootstrap.find_uv(Path.cwd())
    if uv is None:
        raise fail("STORE_FAILED", "uv, which runs the client of the store, is missing", hint="pip install uv")
    known = STORES[store]
    script = Path(__file__).parent / "clients" / f"{known.client}.py"
    command = [uv, "run", "--quiet", "--script", str(script)]
    done = process.run(command, seconds=SECONDS, text=json.dumps(keys), env=bootstrap.uv_environment())
    if done.code == 0:
        answer: dict[str, str | None] = json.loads(done.out)
        return answer
    evidence = done.err.strip().splitlines()[-3:]
    if done.code == REFUSED:
        raise fail("STORE_REFUSED", f"{known.title} refused to return a secret", *evidence, hint=known.refused)
    if done.code == UNREACHABLE:
        raise fail("STORE_UNREACHABLE", f"{known.title} cannot be asked", *evidence, hint=known.unreachable)
    hint = f"correct the error above; `{' '.join(command)}` runs it alone, with a list of keys as JSON on its input"
    raise fail("STORE_FAILED", f"the client of {known.title} has failed", *evidence, hint=hint)
