"""A release on one host: new instances start without traffic and take it over when they are ready; old ones drain."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Failure, fail
from toolkit.deploy.places.machine import containers, http, processes, proxy, verdict
from toolkit.deploy.places.machine.plan import is_kept, plan, slot_of

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.engine import Instance
    from toolkit.deploy.places.machine.host import Machine
    from toolkit.deploy.places.machine.place import MachinePlace
    from toolkit.deploy.places.machine.plan import HostPlan, Wanted

POLL_SECONDS = 0.3
# Caddy asks twice a second.
ROUTE_SECONDS = 30


def release(place: MachinePlace, machine: Machine, wanted: Wanted) -> None:
    """Bring a host to the release. Raises Failed with a verdict; what served before still serves then."""
    state = machine.state()
    todo = plan(state, wanted)
    for network in todo.networks:
        machine.engine.create_network(network, machine.project)
    if todo.proxy:
        start_proxy(place, machine, todo.proxy)
    if not todo.complete:
        fetch(place, machine, wanted)
    began, others = time.monotonic(), processes.begin(machine, todo.processes)
    place.started.update(others)
    new = _start(place, machine, wanted, todo) if todo.slots else []
    await_ready(place, machine, new, wanted)
    await_available(place, machine, others, began)
    if new:
        for instance in new:
            machine.engine.restart_policy(instance.name, "unless-stopped")
            alias = proxy.address(instance.colour, slot_of(instance), 0).partition(":")[0]
            machine.engine.connect(instance.name, containers.edge(machine.project), [alias])
        await_routed(place, machine, new)
    started = {containers.name_of(machine.project, todo.colour, slot) for slot in todo.slots}
    for instance in todo.old:
        if instance.name not in started:
            drain(place, machine, instance)
    processes.stop(machine, todo.processes)


def _start(place: MachinePlace, machine: Machine, wanted: Wanted, todo: HostPlan) -> list[Instance]:
    secrets = machine.secrets(str(wanted.web["secrets"]))
    found = []
    for slot in todo.slots:
        name = containers.name_of(machine.project, todo.colour, slot)
        live = await_end(place, machine, name)
        if live is None or not is_kept(live, machine.project, wanted):
            if live:
                machine.engine.remove(name)
            machine.engine.create(containers.web_arguments(machine.project, todo.colour, slot, wanted.web, secrets))
        machine.engine.start(name)
        place.started.add(name)
        if made := machine.engine.inspect(name):
            found.append(made)
    return found


def await_end(place: MachinePlace, machine: Machine, name: str) -> Instance | None:
    """Let an instance that drains answer its last requests. Returns it without the proxy's network."""
    live, began = machine.engine.inspect(name), time.monotonic()
    edge = containers.edge(machine.project)
    while live and live.running and live.policy == "no" and edge in live.addresses:
        if time.monotonic() - began > place.environment.termination_grace:
            return live
        place.report.progress("release", f"{name}: draining")
        time.sleep(POLL_SECONDS)
        live = machine.engine.inspect(name)
    if live and not live.running and edge in live.addresses:
        machine.engine.disconnect(name, edge)
        live = machine.engine.inspect(name)
    return live


def fetch(place: MachinePlace, machine: Machine, wanted: Wanted) -> None:
    """Pull the image unless the host has it."""
    image = str(wanted.web["image"])
    if not machine.engine.has_image(image):
        place.report.progress("release", f"{machine.name}: pulling {image}")
        repository, _, digest = image.partition("@")
        with machine.connection.lending(port) if (port := local_port(image)) else nullcontext():
            machine.engine.pull(repository, digest)


def local_port(image: str) -> int:
    """Return the port of a registry on this machine alone; 0 for any other. Pure."""
    host, _, port = image.partition("/")[0].partition(":")
    return int(port) if host in ("localhost", "127.0.0.1") and port.isdecimal() else 0


def start_proxy(place: MachinePlace, machine: Machine, action: str) -> None:
    """Create the proxy, replace it after a change of its configuration, or start it."""
    environment = place.environment
    name = proxy.name(machine.project)
    if action != "start":
        machine.write("proxy/Caddyfile", proxy.caddyfile(environment), public=True)
        if not machine.engine.has_image(environment.proxy.image):
            repository, _, tag = environment.proxy.image.rpartition(":")
            machine.engine.pull(repository, tag)
        machine.engine.remove(name)
        machine.engine.create(proxy.arguments(environment, f"{machine.folder}/proxy"))
    machine.engine.start(name)


def await_ready(place: MachinePlace, machine: Machine, new: Sequence[Instance], wanted: Wanted) -> None:
    """Wait until each answers /ready, and /health with the release's digest. Raises Failed with a verdict."""
    began, refused = time.monotonic(), 0.0
    waiting = list(new)
    while waiting:
        place.require_lock()
        for known in list(waiting):
            live = machine.engine.inspect(known.name)
            state = "starting" if live and live.running else "failed"
            place.report.instance(f"{known.name} on {machine.name}", state)
            answer = ask(machine, live, place.environment.port, "/ready") if live and live.running else None
            now = time.monotonic()
            refused = (refused or now) if verdict.is_refused(answer) else 0.0
            seen = verdict.Seen(live, answer, now - began, now - refused if refused else 0.0)
            if found := verdict.judge(seen, place.environment.rollout_seconds):
                raise Failed(failure_of(place, machine, known.name, found))
            if verdict.is_ready(answer) and live:
                check_version(machine, live, place.environment.port, wanted)
                waiting.remove(known)
            else:
                place.report.progress("release", f"{known.name}: {verdict.detail(answer) or 'starting'}")
        time.sleep(POLL_SECONDS if waiting else 0)


def await_available(place: MachinePlace, machine: Machine, names: Sequence[str], began: float) -> None:
    """Wait until new processes have run for `hold_seconds`: the old ones work until then. Raises Failed."""
    while names:
        place.require_lock()
        for name in names:
            live = machine.engine.inspect(name)
            if live is None or not live.running or live.restarts:
                found = verdict.ended(live) if live else verdict.GONE
                raise Failed(failure_of(place, machine, name, found))
        waited = time.monotonic() - began
        if waited >= place.environment.hold_seconds:
            return
        place.report.progress("release", f"{', '.join(names)}: running for {waited:.0f} s")
        time.sleep(POLL_SECONDS)


def check_version(machine: Machine, live: Instance, port: int, wanted: Wanted) -> None:
    """The smoke test at the instance's own address. Raises Failed WRONG_VERSION."""
    health = ask(machine, live, port, "/health")
    served = health.get("image_digest") if isinstance(health, dict) else None
    if served != wanted.web["digest"]:
        lines = (f"expected {wanted.web['digest']}", f"serving  {served}")
        hint = "check that /health returns IMAGE_DIGEST"
        raise fail("WRONG_VERSION", f"{live.name} answers with another version", *lines, hint=hint)


def ask(machine: Machine, live: Instance, port: int, path: str) -> object:
    """Return an instance's response at its own address; None without one."""
    ip = next((address for address in live.addresses.values() if address), "")
    answer = http.get(machine.connection, http.Address(ip, port), path) if ip else None
    return answer.body if answer else None


def await_routed(place: MachinePlace, machine: Machine, new: Sequence[Instance]) -> None:
    """Wait until the proxy sends requests to each of them. Raises Failed PROXY_UNANSWERED, NOT_ROUTED."""
    port = place.environment.port
    missing = {proxy.address(item.colour, slot_of(item), port) for item in new}
    deadline, answer = time.monotonic() + ROUTE_SECONDS, None
    while missing:
        place.require_lock()
        answer = http.get(machine.connection, place.front, "/health", {proxy.PROBE: "1"})
        missing -= {answer.headers.get(proxy.SERVED_BY.lower(), "")} if answer else set()
        if answer is None and (live := machine.engine.inspect(proxy.name(machine.project))) and live.restarts:
            found = verdict.Verdict("PROXY_FAILED", "the proxy does not start", "see its last lines", live.exit_code)
            raise Failed(failure_of(place, machine, live.name, found))
        if missing and time.monotonic() > deadline:
            lines = machine.engine.logs(proxy.name(machine.project), 5)
            if answer is None:
                hint = "with a domain: its name must lead to this host, so that Caddy gets a certificate"
                raise fail("PROXY_UNANSWERED", f"the proxy on {machine.name} does not answer", *lines, hint=hint)
            named, hint = ", ".join(sorted(missing)), "`docker logs` of the proxy on the host has more"
            raise fail("NOT_ROUTED", f"the proxy on {machine.name} does not reach {named}", *lines, hint=hint)
        time.sleep(0.05 if answer else POLL_SECONDS)


def drain(place: MachinePlace, machine: Machine, instance: Instance) -> None:
    """Tell an instance to end: it leaves the proxy first. One that is draining must not get a second signal."""
    answer = ask(machine, instance, place.environment.port, "/ready")
    if isinstance(answer, dict) and answer.get("code") == "draining":
        return
    machine.engine.restart_policy(instance.name, "no")
    machine.engine.signal(instance.name, "SIGTERM")


def failure_of(place: MachinePlace, machine: Machine, name: str, found: verdict.Verdict) -> Failure:
    """Return the failure page: cause, container, exit code, last lines and the evidence folder."""
    lines, folder = place.save_evidence(machine, name)
    ended = (f"exit code {found.exit_code}",) if found.exit_code is not None else ()
    return Failure(
        found.code,
        found.message,
        (f"container {name} on {machine.name}", *ended, *lines, f"evidence: {folder}"),
        found.hint,
    )
