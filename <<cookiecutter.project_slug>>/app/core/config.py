"""Settings from the environment. Files in /run/secrets override the environment, which overrides .env.

`.env` is read on a developer's machine only, and not by tests, which must not depend on the machine. In staging and
production the service refuses to start with a publicly known default, and lists all variables to set in one message.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import NoDecode

from app.settings.base import ROOT, SERVICE, EnvironmentSettings
from app.settings.database import DatabaseSettings

# A path prefix: no `//`, which would begin another host's address, and no character that is unsafe in a header.
PREFIX = r"(/[A-Za-z0-9._~-]+)+"
Model = TypeVar("Model", bound="EnvironmentSettings")

SECRETS_DIR = Path("/run/secrets")
# sysexits.h: EX_CONFIG. It lets an orchestrator distinguish a wrong setting from a crash.
EXIT_CONFIGURATION = 78


class ConfigurationError(Exception):
    """The settings do not allow a start. Each of `problems` names a variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            "The service cannot start with these settings:\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + "\nSet them in the environment or as files in /run/secrets; .env.example describes each."
        )
        self.problems = problems


class Settings(DatabaseSettings):
    project_name: str = SERVICE.get("title", "Service")
    service_name: str = Field(SERVICE.get("name", "service"), validation_alias="OTEL_SERVICE_NAME")
    description: str = SERVICE.get("description", "")
    version: str = SERVICE.get("version", "0.1.0")
    image_digest: str | None = None
    api_v1_str: str = Field("/api/v1", pattern=r"^(/[A-Za-z0-9._-]+)+$")

    host: str | None = None
    port: int = Field(8000, ge=0, le=65535)
    metrics_port: int | None = Field(None, ge=0, le=65535)
    forwarded_allow_ips: str | None = None
    root_path: str | None = Field(None, pattern=rf"^({PREFIX})?$")
    docs_enabled: bool | None = None
    backend_cors_origins: Annotated[list[str], NoDecode] = []  # noqa: RUF012 - pydantic copies it
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    drain_seconds: float | None = Field(None, ge=0, le=600)
    graceful_seconds: int = Field(20, ge=1, le=600)

    max_concurrency: int = Field(64, ge=1)
    max_queue: int = Field(1000, ge=0)
    queue_seconds: float = Field(2.0, gt=0)
    body_limit_bytes: int = Field(1024 * 1024, ge=1)
    body_seconds: float = Field(10.0, gt=0)

    otel_exporter_otlp_endpoint: str | None = None
    otel_traces_sampler_arg: float = Field(0.05, ge=0, le=1)

    @field_validator("host", mode="before")
    @classmethod
    def _without_brackets(cls, value: object) -> object:
        return value.strip().removeprefix("[").removesuffix("]") if isinstance(value, str) else value

    @field_validator("root_path", mode="before")
    @classmethod
    def _without_slash(cls, value: object) -> object:
        return value.strip().rstrip("/") if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("backend_cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        """A comma-separated list of origins (RFC 6454): scheme, host and port, nothing else."""
        origins = value.split(",") if isinstance(value, str) else value
        if not isinstance(origins, list):
            return origins
        origins = [str(origin).strip().rstrip("/") for origin in origins if str(origin).strip()]
        for origin in origins:
            parts = urlsplit(origin)
            if origin != "*" and (
                parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError("must be origins such as https://shop.example.com, separated by commas")
        return origins

    @property
    def bind_host(self) -> str:
        # In a container every interface is the pod's own; on a developer's machine only local clients may connect.
        return self.host or ("127.0.0.1" if self.is_development else "0.0.0.0")  # noqa: S104

    @property
    def drain(self) -> float:
        """Return the seconds of connection draining before a shutdown: none without a load balancer."""
        return self.drain_seconds if self.drain_seconds is not None else (0.0 if self.is_development else 15.0)

    @property
    def docs(self) -> bool:
        return self.docs_enabled if self.docs_enabled is not None else self.environment != "production"

    def refusals(self) -> list[str]:
        found = super().refusals()
        if "*" in self.backend_cors_origins:
            found.append("BACKEND_CORS_ORIGINS allows every origin; list the allowed ones")
        return found


def load(*models: type[EnvironmentSettings], files: bool = True) -> list[EnvironmentSettings]:
    """Create each of `models`. Raises ConfigurationError once, with the problems of all of them.

    `files`: whether to read this machine's files: /run/secrets, .env, and those that settings name.
    """
    secrets = SECRETS_DIR if files and SECRETS_DIR.is_dir() else None
    secret_name = None if secrets is None else secrets / "ENVIRONMENT"
    stated = secret_name.read_text() if secret_name and secret_name.is_file() else os.environ.get("ENVIRONMENT", "")
    dotenv = ROOT / ".env" if files and stated.strip() in ("", "local") else None
    loaded: list[EnvironmentSettings] = []
    problems: list[str] = []
    for model in models:
        try:
            # pydantic-settings takes these two at run time only.
            settings = model(_env_file=dotenv, _secrets_dir=secrets)  # pyrefly: ignore
        except ValidationError as error:
            problems += [_explain(model, fault) for fault in error.errors(include_url=False, include_input=False)]
            continue
        if not settings.is_development:
            problems += [f"{fault} [ENVIRONMENT={settings.environment}]" for fault in settings.refusals()]
        if files:
            problems += settings.missing_files()
        loaded.append(settings)
    if problems:
        raise ConfigurationError(list(dict.fromkeys(problems)))
    return loaded


def _explain(model: type[EnvironmentSettings], fault: Any) -> str:
    if not fault["loc"]:  # about several settings, which the message names
        return str(fault["msg"]).removeprefix("Value error, ")
    name = str(fault["loc"][0])
    prefix = "" if name.isupper() else model.model_config.get("env_prefix", "")
    return f"{prefix}{name.upper()}: {fault['msg'].removeprefix('Value error, ')}"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once. Raises ConfigurationError."""
    settings = load(Settings)[0]
    assert isinstance(settings, Settings)  # noqa: S101 - for the type checker
    return settings
