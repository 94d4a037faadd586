"""`provision ENV`: the needs of a bare Debian or Ubuntu, printed, or installed by an account with sudo. Idempotent."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Exit, Failed, Result, Status, fail
from toolkit.deploy.places.machine.host import FOLDER
from toolkit.deploy.places.machine.ssh import Connection

if TYPE_CHECKING:
    from toolkit.deploy.inventory.machine import Host, MachineEnvironment
    from toolkit.deploy.report import Report

SECONDS = 900
# Each prints what it has changed. $account is the account of deploys, $project the environment's name on the host.
SCRIPT = """\
set -eu
account=@account@
if ! command -v docker >/dev/null; then
  apt-get update -q
  # Since Debian 13 the command is a package of its own.
  packages="docker.io $(apt-cache show docker-cli >/dev/null 2>&1 && echo docker-cli)"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
  echo "changed: installed Docker"
fi
if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then systemctl enable --now docker; fi
if ! id "$account" >/dev/null 2>&1; then
  useradd --create-home --shell /bin/bash "$account"
  echo "changed: created the account $account"
fi
if ! id -nG "$account" | tr ' ' '\\n' | grep -qx docker; then
  usermod --append --groups docker "$account"
  echo "changed: added $account to the group docker"
fi
if [ ! -d @folder@ ] || [ "$(stat -c %U @folder@)" != "$account" ]; then
  install -d -o "$account" -m 0755 @folder@
  echo "changed: created @folder@"
fi
"""
# What needs no root: prints a line for each lack. Run as the account of deploys.
LOOK = """
command -v docker >/dev/null || echo "Docker is not installed"
id -nG | tr ' ' '\\n' | grep -qx -e docker -e root || echo "$(id -un) is not in the group docker"
[ -w @folder@ ] || echo "@folder@ does not exist, or is not writable for $(id -un)"
command -v flock >/dev/null || echo "flock is not installed (util-linux)"
"""


def script(account: str) -> str:
    """Return the commands, for root. Pure."""
    return SCRIPT.replace("@account@", shlex.quote(account)).replace("@folder@", FOLDER)


def provision(project: Path, environment: MachineEnvironment, report: Report, *, yes: bool) -> int:
    """Print the commands for each host that lacks something, or run them. Raises Failed SSH_*, HOST_*, NO_SUDO."""
    config = project / environment.ssh_config if environment.ssh_config else None
    report.play(f"provision {environment.name}")
    left = False
    for host in environment.hosts:
        connection = Connection(host, config)
        try:
            left |= _host(connection, host, report, yes=yes)
        finally:
            connection.close()
    if left:
        report.note("run these as root on the host, or pass --yes if its account may use sudo")
    return report.end(Exit.REFUSED if left else Exit.OK)


def _host(connection: Connection, host: Host, report: Report, *, yes: bool) -> bool:
    """Return True if commands are left for the user."""
    lacking = look(connection)
    if not lacking:
        report.result(Result("host", Status.OK, 0.0, f"{host.name}: ready for deploys"))
        return False
    account = connection.run("id -un").out.strip() or "deploy"
    if not yes:
        report.result(Result("host", Status.CHANGED, 0.0, f"{host.name}: {'; '.join(lacking)}"))
        for line in script(account).splitlines():
            report.note(line)
        return True
    root = "" if connection.run("id -u").out.strip() == "0" else "sudo -n "
    done = connection.run(f"{root}sh -s", script(account), SECONDS)
    if done.code:
        raise _refused(host, done.err or done.out)
    changed = [line.removeprefix("changed: ") for line in done.out.splitlines() if line.startswith("changed: ")]
    report.result(Result("host", Status.CHANGED, 0.0, f"{host.name}: {', '.join(changed) or 'unchanged'}"))
    return False


def look(connection: Connection) -> list[str]:
    """Return what the host lacks."""
    done = connection.run(LOOK.replace("@folder@", FOLDER))
    return [line for line in done.out.splitlines() if line.strip()]


def _refused(host: Host, said: str) -> Failed:
    lines = [line for line in said.splitlines() if line.strip()][-5:]
    if any("sudo" in line or "password is required" in line for line in lines):
        hint = "run the printed commands as root there: `python3 tasks.py provision ENV` without --yes"
        return fail("NO_SUDO", f"{host.ssh} may not use sudo without a password", *lines, hint=hint)
    return fail("PROVISION_FAILED", f"{host.name} could not be prepared", *lines, hint="see its last lines above")
