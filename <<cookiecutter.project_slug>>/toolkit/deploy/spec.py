"""The specification of a release: one service, one environment, one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolkit.deploy import stores
from toolkit.deploy.outcomes import fail

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import Environment
    from toolkit.deploy.records import ReleaseRecord

# Placeholder for an image that is not built yet: everything else of the release is known without it.
NO_DIGEST = "sha256:" + "0" * 64


@dataclass(frozen=True)
class ReleaseSpec:
    """A release. `digest` is `sha256:...`; `secrets` has plain values and is never printed.

    `mark`: a short name of what the pods read and a release does not write, so that they are replaced when it changes.
    `again`: the release on record that a rollback brings back, with its own objects.
    """

    service: str
    environment: Environment
    digest: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    replicas: int | None = None
    mark: str = ""
    again: ReleaseRecord | None = None

    @property
    def image(self) -> str:
        return f"{self.environment.repository}@{self.digest}"

    @property
    def secret_keys(self) -> tuple[str, ...]:
        return tuple(sorted({*self.environment.secret.names, *self.environment.made_variables}))

    def config(self) -> dict[str, str]:
        """The non-secret variables. Drain and grace are the values behind the manifest's deadlines."""
        env = self.environment
        given = {
            "DRAIN_SECONDS": str(env.drain_seconds),
            "GRACEFUL_SECONDS": str(env.graceful_seconds),
            "OTEL_SERVICE_NAME": self.service,
            "PORT": str(env.port),
            **env.settings,
        }
        return dict(sorted(given.items()))


def secrets_from(environment: Environment, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the values for `secret.from_env` or of `secret.store`; none if the release does not carry them.

    Variables that the place makes are left out.

    Raises Failed SECRET_NOT_SET with each missing variable, and as `stores.read` does.
    """
    store, keys = environment.secret.store, environment.secret.keys
    if environment.references_secrets:
        return {}
    names = [name for name in environment.secret.from_env if name not in environment.made_variables]
    if store and isinstance(keys, Mapping):
        return stores.read(store, keys)
    missing = sorted(name for name in names if not variables.get(name))
    if missing:
        raise fail(
            "SECRET_NOT_SET",
            f"variables for the Secret are missing from your environment: {', '.join(missing)}",
            hint=f"export {missing[0]}=... and run this again, or name an existing Secret in deploy/inventory.yaml",
        )
    return {name: variables[name] for name in names}
