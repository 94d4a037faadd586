"""Sources of settings: files in /run/secrets, then the environment, then `.env`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

Environment = Literal["local", "test", "staging", "production"]

ROOT = Path(__file__).resolve().parents[2]


def _service_toml() -> dict[str, Any]:
    path = ROOT / "service.toml"
    return tomllib.loads(path.read_text("utf-8")).get("service", {}) if path.is_file() else {}


SERVICE = _service_toml()


class EnvironmentSettings(BaseSettings):
    """Base class of all settings."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", hide_input_in_errors=True, frozen=True)

    environment: Environment = Field("local", validation_alias="ENVIRONMENT")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, file_secret_settings, env_settings, dotenv_settings

    @model_validator(mode="before")
    @classmethod
    def _stripped(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Remove the line break that `echo`, editors and `kubectl --from-file` add; a blank value is not set."""
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        return {name: value for name, value in stripped.items() if value != ""}

    @property
    def is_development(self) -> bool:
        return self.environment in ("local", "test")

    def refusals(self) -> list[str]:
        """Return a line for each value that is not allowed in staging and production."""
        return []

    def missing_files(self) -> Iterable[str]:
        """Return a line for each file that a setting names and that this process cannot read."""
        return ()
