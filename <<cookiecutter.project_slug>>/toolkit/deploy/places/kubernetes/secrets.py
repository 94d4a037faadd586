"""The Secret that the inventory names: whether it fits, and how its values are changed."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.kubernetes import ports

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.objects import Object

# Variables whose values a command makes.
MADE = {"ACCOUNTS_KEY": "python3 tasks.py keys.new"}


def change_secret(env: KubernetesEnvironment, names: Sequence[str]) -> list[str]:
    """Yield the commands that set these variables in the environment's secret store. Pure."""
    if env.secret.from_env:
        return [f"export {name}='{example(name)}'" for name in names]
    if in_store := env.secret.change_in_store(names):
        return in_store
    if env.secret.external:
        return [f"store {', '.join(names)} in {env.secret.external.store}"]
    commands = [f"{MADE[name]} | python3 tasks.py secrets.set {env.name} {name}" for name in names if name in MADE]
    if typed := {name: example(name) for name in names if name not in MADE}:
        patch = json.dumps({"stringData": typed})
        commands.append(f"kubectl -n {env.namespace} patch secret {env.secret.name} --type=merge --patch '{patch}'")
    return commands


def example(name: str) -> str:
    """Return a placeholder in the required form."""
    return "postgresql://USER:PASSWORD@HOST:5432/DATABASE" if name == "DATABASE_URL" else "VALUE"


def _literal(name: str) -> str:
    value = f'"$({MADE[name]})"' if name in MADE else f"'{example(name)}'"
    return f"--from-literal={name}={value}"


def require_keys(env: KubernetesEnvironment, live: Object | None, *, namespace_missing: bool = False) -> None:
    """Check an existing Secret. Raises Failed SECRET_MISSING, SECRET_KEY_MISSING or EGRESS."""
    name = env.secret.name
    if name is None:
        return
    if live is None:
        values = " ".join(map(_literal, env.secret.keys))
        hint = f"kubectl -n {env.namespace} create secret generic {name} {values}"
        if namespace_missing:
            hint = f"kubectl create namespace {env.namespace} && {hint}"
        raise fail("SECRET_MISSING", f"Secret {name} does not exist in namespace {env.namespace}", hint=hint)
    missing = sorted(set(env.secret.keys) - set(live.get("data") or {}))
    if missing:
        has = ", ".join(sorted(live.get("data") or {})) or "nothing"
        hint = "; ".join(change_secret(env, missing))
        raise fail("SECRET_KEY_MISSING", f"Secret {name} has no {', '.join(missing)}", f"it has: {has}", hint=hint)
    values = {key: base64.b64decode(live["data"][key]).decode(errors="replace") for key in env.secret.keys}
    ports.check(env, {**env.settings, **values})
