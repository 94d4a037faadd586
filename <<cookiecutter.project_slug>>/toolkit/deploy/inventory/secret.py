"""Keys of the source of an environment's secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, model_validator

from toolkit.deploy.inventory.pod_keys import Block, Name


class External(Block):
    """An ExternalSecret (external-secrets.io): variable -> key in the store.

    `versions`: variable -> version of its key; the newest by default. `refresh`: interval in which the operator reads.
    """

    store: str
    store_kind: Literal["SecretStore", "ClusterSecretStore"] = "ClusterSecretStore"
    keys: dict[str, str]
    versions: dict[str, str] = Field({})
    refresh: str = Field("1m", pattern=r"^([1-9][0-9]*[hms])+$")

    @model_validator(mode="after")
    def _versions_of_keys(self) -> External:
        if unknown := sorted(set(self.versions) - set(self.keys)):
            raise ValueError(f"versions: {', '.join(unknown)} is not one of `keys`")
        return self


class Secret(Block):
    """Source of secret variables: an existing Secret (`name`), the deployer's environment, or a store.

    `keys`: those of the existing Secret; with `store`, variable -> key in that store, or key#property.
    """

    name: Name | None = None
    keys: tuple[str, ...] | dict[str, str] = ("DATABASE_URL",)
    from_env: tuple[str, ...] = ()
    store: Literal["aws", "azure", "google", "vault"] | None = None
    external: External | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Secret:
        if sum(map(bool, (self.name, self.from_env, self.store, self.external))) != 1:
            raise ValueError("requires exactly one of `name`, `from_env`, `store` and `external`")
        if isinstance(self.keys, dict) != bool(self.store):
            raise ValueError("`keys` is a map with `store`, {DATABASE_URL: KEY}, and a list of names otherwise")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The variables."""
        return self.from_env or tuple(self.external.keys if self.external else self.keys)

    @property
    def written(self) -> bool:
        """True if a release carries the values, which the deployer has read."""
        return bool(self.from_env or self.store)

    def change_in_store(self, names: Sequence[str]) -> list[str]:
        """Return the next step for new values of these variables in the store; empty without a store."""
        if not self.store or not isinstance(self.keys, Mapping):
            return []
        keys = ", ".join(f"{name} ({self.keys.get(name, 'KEY')})" for name in names)
        return [f"store a new value in {self.store}: {keys}"]
