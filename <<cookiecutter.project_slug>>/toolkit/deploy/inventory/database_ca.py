"""The key `database_ca`: the CA that signs PostgreSQL's certificate, as a file in all pods of the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, model_validator

from toolkit.deploy.inventory.pod_keys import Block, Name

VOLUME, FOLDER, FILE = "database-ca", "/etc/database-ca", "ca.crt"


class DatabaseCa(Block):
    """A ConfigMap or a Secret of the namespace, and the key in it that holds the certificate (PEM)."""

    config_map: Name | None = None
    secret: Name | None = None
    key: str = Field(FILE, pattern=r"^[-._a-zA-Z0-9]+$")

    @model_validator(mode="after")
    def _one_source(self) -> DatabaseCa:
        if (self.config_map is None) == (self.secret is None):
            raise ValueError("expected exactly one of `config_map` and `secret`")
        return self

    @property
    def volume(self) -> dict[str, Any]:
        items = [{"key": self.key, "path": FILE}]
        if self.secret is not None:
            return {"name": VOLUME, "secret": {"secretName": self.secret, "items": items}}
        return {"name": VOLUME, "configMap": {"name": self.config_map, "items": items}}


def expanded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an environment's values with the volume, mount and settings of `database_ca`.

    Explicit `settings` override these. An invalid key is left to the model's validation. Pure.
    """
    given = dict(values)
    try:
        ca = DatabaseCa.model_validate(given.get("database_ca"))
        settings = {"POSTGRES_SSLMODE": "verify-full", "POSTGRES_SSLROOTCERT": f"{FOLDER}/{FILE}"}
        return {
            **given,
            "volumes": [*(given.get("volumes") or ()), ca.volume],
            "volume_mounts": [
                *(given.get("volume_mounts") or ()),
                {"name": VOLUME, "mountPath": FOLDER, "readOnly": True},
            ],
            "settings": {**settings, **(given.get("settings") or {})},
        }
    except (ValidationError, TypeError, ValueError):
        return given
