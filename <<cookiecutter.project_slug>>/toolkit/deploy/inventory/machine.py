"""Keys of an environment on machines: hosts over SSH, with Docker."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from toolkit.deploy import scheduler
from toolkit.deploy.inventory.pod_keys import Block, Name
from toolkit.deploy.inventory.schema import Environment, Port

# Addresses that the proxy knows for each colour: a change of `replicas` below it does not touch the proxy.
SLOTS = 8
DATABASE_URL = "DATABASE_URL"
_ADDRESS = re.compile(
    r"(?:(?P<user>[a-z_][-a-z0-9_.]*)@)?(?P<name>[A-Za-z0-9][-A-Za-z0-9_.]*|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{1,5}))?"
)


def _shorthand(value: object) -> object:
    return {"ssh": value} if isinstance(value, str) else value


def _named(hosts: tuple[Host, ...]) -> tuple[Host, ...]:
    if not hosts:
        raise ValueError("name at least one machine, for example `hosts: [deploy@203.0.113.7]`")
    return hosts


class Host(Block):
    """A machine. `ssh`: [user@]name[:port], or an alias of your ssh configuration. `host_key`: its public key."""

    ssh: str
    host_key: str | None = Field(None, pattern=r"^(ssh|ecdsa|sk)-[-a-z0-9@.]+ [A-Za-z0-9+/=]+$")

    @model_validator(mode="after")
    def _is_an_address(self) -> Host:
        if not _ADDRESS.fullmatch(self.ssh):
            raise ValueError(f"ssh {self.ssh!r}: expected [user@]name[:port], for example deploy@203.0.113.7")
        return self

    @property
    def destination(self) -> str:
        """The address without the port, for the ssh command."""
        return self.ssh.rpartition(":")[0] if self.port else self.ssh

    @property
    def port(self) -> int | None:
        found = _ADDRESS.fullmatch(self.ssh)
        return int(found["port"]) if found and found["port"] else None

    @property
    def name(self) -> str:
        """The name or address alone, for messages."""
        return self.destination.rpartition("@")[2]


class Proxy(Block):
    """Caddy in front of the service. With a `domain`: HTTPS; without one: plain HTTP on `http_port`.

    `tls`: `automatic` certificates (Let's Encrypt), or those of Caddy's `internal` CA, for private networks.
    """

    image: str = "caddy:2"
    domain: str | None = Field(None, pattern=r"^[a-z0-9*]([-a-z0-9.]*[a-z0-9])?$")
    tls: Literal["automatic", "internal"] = "automatic"
    http_port: Port = 80
    https_port: Port = 443


class Database(Block):
    """A PostgreSQL container beside the service. `version`: its major version; `backups`: number of them to keep."""

    accessory: Literal["postgres"]
    version: int = Field(18, ge=13)
    image: str | None = None
    backups: int = Field(7, ge=1)

    @property
    def image_name(self) -> str:
        return self.image or f"postgres:{self.version}"


class MachineEnvironment(Environment):
    """One or more hosts, each with the same instances of the service."""

    place: Literal["machine"] = "machine"
    driver: Literal["docker"] = "docker"
    project: Name
    hosts: Annotated[tuple[Annotated[Host, BeforeValidator(_shorthand)], ...], AfterValidator(_named)]
    ssh_config: str | None = None
    proxy: Proxy = Proxy()
    database: Database | None = None
    replicas: int = Field(1, ge=1, le=SLOTS)
    # Caddy asks twice a second: a longer drain gains nothing, and every deploy waits for it.
    drain_seconds: int = Field(5, ge=0)
    hold_seconds: int = Field(5, ge=0)

    @model_validator(mode="after")
    def _secrets_are_streamed(self) -> MachineEnvironment:
        if not self.secret.written:
            raise ValueError(
                "secret: a machine takes secrets from your environment, `secret: {from_env: [DATABASE_URL]}`, or from "
                "a store, `secret: {store: vault, keys: {DATABASE_URL: KEY}}`"
            )
        return self

    @model_validator(mode="after")
    def _database_is_on_one_host(self) -> MachineEnvironment:
        if not self.database:
            return self
        if len(self.hosts) > 1:
            raise ValueError(
                f"database: an accessory serves one host, and `hosts` names {len(self.hosts)}; keep one host, or "
                "remove `database` and give DATABASE_URL of an external PostgreSQL"
            )
        if self.secret.store and DATABASE_URL in self.secret.keys:
            raise ValueError(
                f"secret.keys: {DATABASE_URL} is made for the accessory in `database`; remove it from `secret.keys`, "
                "or remove `database`"
            )
        return self

    @model_validator(mode="after")
    def _schedules_have_times(self) -> MachineEnvironment:
        for name, process in self.processes.items():
            try:
                if process.schedule:
                    scheduler.parse(process.schedule).after(datetime.now(UTC))
            except ValueError as error:
                raise ValueError(f"processes.{name}.schedule: {process.schedule!r}: {error}") from None
        return self

    @model_validator(mode="after")
    def _hosts_differ(self) -> MachineEnvironment:
        names = [host.ssh for host in self.hosts]
        if len(set(names)) != len(names):
            raise ValueError("hosts: the same machine is listed twice")
        return self

    @property
    def made_variables(self) -> tuple[str, ...]:
        return (DATABASE_URL,) if self.database else ()

    @property
    def scope(self) -> str:
        return self.project
