"""Containers with sshd: a bare host to prepare, and a further host that uses this machine's own engine."""

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.machines import IDLE, Host, free_port
from tests.support.running import PATIENCE
from tests.support.stage import run, until

IMAGE = IDLE.split()[0]
ACCOUNT = "ada"
SET_UP = f"""
set -e
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends openssh-server sudo $MORE
id {ACCOUNT} || useradd --create-home --shell /bin/bash {ACCOUNT}
install -d -o {ACCOUNT} -m 700 /home/{ACCOUNT}/.ssh
echo "$KEY" > /home/{ACCOUNT}/.ssh/authorized_keys
echo "$AFTER" | sh -e
mkdir -p /run/sshd
exec /usr/sbin/sshd -D -e -p $PORT -o ListenAddress=$LISTEN
"""


@dataclass(frozen=True)
class Guest(Host):
    """A container that ssh reaches as `variable`, by its own configuration."""

    folder: Path = Path()

    @property
    def ssh(self) -> str:
        return self.variable

    @property
    def config(self) -> str:
        return str(self.folder / "config")

    @property
    def address(self) -> str:
        return "127.0.0.1"

    def root(self, script: str) -> str:
        return run("docker", "exec", self.variable, "sh", "-ec", script, seconds=PATIENCE)


@contextmanager
def bare(folder: Path) -> Iterator[Guest]:
    """A Debian with an account and sshd: no Docker, and no sudo for the account."""
    with _guest(folder, [], "", "true") as guest:
        yield guest


@contextmanager
def beside(folder: Path) -> Iterator[Guest]:
    """A host whose engine, network and /var/lib/deploy are this machine's."""
    shared = [part for path in ("/var/run/docker.sock", "/var/lib/deploy") for part in ("-v", f"{path}:{path}")]
    after = (
        f"chown {ACCOUNT} /var/lib/deploy; groupadd -f -o -g $(stat -c %g /var/run/docker.sock) engine; "
        f"usermod -aG engine {ACCOUNT}"
    )
    with _guest(folder, ["--network", "host", *shared], "docker-cli", after) as guest:
        yield guest


@contextmanager
def _guest(folder: Path, arguments: list[str], more: str, after: str) -> Iterator[Guest]:
    name, port = f"test-guest-{uuid.uuid4().hex[:8]}", free_port()
    folder.mkdir(parents=True, exist_ok=True)
    key, known = folder / "key", folder / "known_hosts"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    own_network = "--network" not in arguments
    values = {
        "KEY": key.with_suffix(".pub").read_text().strip(),
        "PORT": str(port),
        "LISTEN": "0.0.0.0" if own_network else "127.0.0.1",  # noqa: S104 - inside the container
        "MORE": more,
        "AFTER": after,
    }
    variables = [part for pair in values.items() for part in ("-e", "=".join(pair))]
    run("docker", "run", "-d", "--name", name, *arguments, *variables, IMAGE, "sh", "-c", SET_UP)
    try:
        form = "{{.NetworkSettings.IPAddress}}"
        address = run("docker", "inspect", "-f", form, name).strip() if own_network else "127.0.0.1"

        def scanned() -> bool:
            done = subprocess.run(
                ["ssh-keyscan", "-p", str(port), "-t", "ed25519", address], capture_output=True, text=True, check=False
            )
            known.write_text(done.stdout)
            return bool(done.stdout.strip())

        until(scanned, PATIENCE, "sshd")
        lines = (f"Host {name}", f"HostName {address}", f"Port {port}", f"User {ACCOUNT}", f"IdentityFile {key}")
        (folder / "config").write_text(
            "\n  ".join((*lines, "IdentitiesOnly yes", f"UserKnownHostsFile {known}")) + "\n"
        )
        yield Guest(name, folder)
    finally:
        run("docker", "rm", "-fv", name)
