"""Tunnel to the database: a container of the release relays connections, and the SSH connection leads to it."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places import relay
from toolkit.deploy.places.machine import one_off
from toolkit.deploy.places.values import Tunnel

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.place import MachinePlace

START_SECONDS = 60


class Relay:
    """The output of the relay: its lines before it listens, and later ones for the user."""

    def __init__(self, place: MachinePlace, name: str) -> None:
        self.said: list[str] = []
        self._listens = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(place, name), daemon=True)
        self._reader.start()

    @property
    def alive(self) -> bool:
        return self._reader.is_alive()

    def await_start(self) -> bool:
        """Return True once it listens, False if it has ended or takes too long."""
        return self._listens.wait(START_SECONDS) and relay.LISTENS in self.said

    def _read(self, place: MachinePlace, name: str) -> None:
        try:
            for line in one_off.output(place, name):
                if self._listens.is_set():
                    print(line, file=sys.stderr)
                self.said.append(line)
                if line == relay.LISTENS:
                    self._listens.set()
        except Failed as error:
            self.said.append(error.failure.message)
        self._listens.set()


@contextmanager
def opened(place: MachinePlace, port: int) -> Iterator[Tunnel]:
    """Forward `port` to the relay. Raises Failed NO_DATABASE_URL, PORT_TAKEN, TUNNEL_FAILED."""
    engine, connection = place.first.engine, place.first.connection
    chosen = free_port(port)
    with one_off.created(place, relay.command("0.0.0.0")) as name:  # noqa: S104 - of a network that only containers have
        started = Relay(place, name)
        code, url, errors = engine.execute(name, relay.URL) if started.await_start() else (1, "", "")
        live = engine.inspect(name)
        address = live.addresses.get(place.project_name, "") if live else ""
        if code or not address:
            lines = [*started.said, *errors.splitlines()][-5:]
            hint = f"correct the settings, then deploy {place.environment.name}"
            raise fail("NO_DATABASE_URL", "the service does not name its database", *lines, hint=hint)
        with connection.forwarding(chosen, address, relay.PORT):
            yield Tunnel(chosen, url.strip(), lambda: connection.open and started.alive)


def free_port(port: int) -> int:
    """Return this port, or any free one for 0. Raises Failed PORT_TAKEN."""
    try:
        with socket.create_server(("127.0.0.1", port)) as probe:
            return int(probe.getsockname()[1])
    except OSError as error:
        hint = "choose another one with --port, or leave it out"
        raise fail("PORT_TAKEN", f"port {port} of this machine is in use", str(error), hint=hint) from None
