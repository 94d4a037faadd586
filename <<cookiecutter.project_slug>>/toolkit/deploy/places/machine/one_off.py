"""One-off commands: a container of the last good release on the first host, its output followed to the end."""

from __future__ import annotations

import codecs
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.machine import containers
from toolkit.deploy.places.machine.rollout import fetch
from toolkit.deploy.records import last_good
from toolkit.dev.subprocesses import stop

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.engine import Instance
    from toolkit.deploy.places.machine.place import MachinePlace
    from toolkit.deploy.records import Kept

# Runs on the host, and reads the deployer's connection: a killed deployer leaves no container there.
GUARD = "cat >/dev/null; docker rm -fv {name} >/dev/null 2>&1"


def released(place: MachinePlace) -> Kept:
    """Return the instances' specification of the last good release. Raises Failed NOT_DEPLOYED."""
    record = last_good(place.records())
    found = next((item for item in (record.objects if record else ()) if item["kind"] == containers.WEB), None)
    if found is None:
        name = place.environment.name
        raise fail(
            "NOT_DEPLOYED",
            f"{place.service} has no release in {name} that passed its smoke test",
            hint=f"python3 tasks.py deploy {name}",
        )
    return found


@contextmanager
def created(place: MachinePlace, command: Sequence[str]) -> Iterator[str]:
    """Create a container for the command, yield its name, and remove it at the end, even of a killed process."""
    machine, web = place.first, released(place)
    name = f"{machine.project}-run-{secrets.token_hex(4)}"
    fetch(place, machine, place.wanted([web]))
    arguments = containers.one_off_arguments(machine.project, name, web, machine.secrets(str(web["secrets"])), command)
    guard = machine.connection.session(GUARD.format(name=name))
    try:
        machine.engine.create(arguments)
        yield name
    finally:
        machine.engine.remove(name)
        stop(guard)


def run(place: MachinePlace, command: Sequence[str], show: Callable[[str], None]) -> Instance:
    """Run the command and show each line. Returns its ended container. Raises Failed START_ERROR, RUN_LOST."""
    with created(place, command) as name:
        for line in output(place, name):
            show(line)
        place.first.engine.wait(name)
        ended = place.first.engine.inspect(name)
    if ended is None:
        raise fail("RUN_LOST", f"container {name} was removed while the command was running", hint="run it again")
    return ended


def output(place: MachinePlace, name: str) -> Iterator[str]:
    """Start a container and yield its lines. Raises Failed START_ERROR."""
    try:
        yield from lines(place.first.engine.run(name))
    except Failed as error:
        if error.failure.code != "START_ERROR":
            raise
        hint = "check the command; the image has only what the Dockerfile puts there"
        raise fail("START_ERROR", "the command cannot be started", *error.failure.evidence, hint=hint) from None


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of an output in pieces; a last one may have no end. Pure."""
    decoder, kept = codecs.getincrementaldecoder("utf-8")("replace"), ""
    for chunk in chunks:
        *whole, kept = (kept + decoder.decode(chunk)).split("\n")
        yield from (line.removesuffix("\r") for line in whole)
    kept += decoder.decode(b"", final=True)
    if kept:
        yield kept
