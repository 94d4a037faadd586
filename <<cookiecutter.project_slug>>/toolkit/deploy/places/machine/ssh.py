"""One SSH connection to a host: commands, its Docker socket, and connections to its containers.

ssh itself is used, with the user's configuration, agent and jump hosts. Everything shares one connection (a control
socket), so that a command takes milliseconds; it ends with this process.
"""

from __future__ import annotations

import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Exit, Failed, fail
from toolkit.deploy.places.machine import control_folder
from toolkit.deploy.process import Done
from toolkit.dev.subprocesses import die_with_parent, stop

if TYPE_CHECKING:
    from toolkit.deploy.inventory.machine import Host

DOCKER_SOCKET = "/var/run/docker.sock"
CONNECT_SECONDS = 30
COMMAND_SECONDS = 120
# A host that is silent for this long is lost: ssh asks it three times.
ALIVE_SECONDS = 5
OPTIONS = (
    "BatchMode=yes",  # ssh must not ask: nobody could answer
    f"ConnectTimeout={CONNECT_SECONDS // 3}",
    f"ServerAliveInterval={ALIVE_SECONDS}",
    "ServerAliveCountMax=3",
    "StrictHostKeyChecking=yes",
    "ExitOnForwardFailure=yes",
    "StreamLocalBindUnlink=yes",
)


@dataclass(frozen=True)
class Refusal:
    """Meaning of a line of ssh's errors."""

    text: str
    code: str
    message: str
    hint: str


REFUSALS = (
    Refusal(
        "Host key verification failed",
        "HOST_KEY",
        "the host's key is not the known one",
        "check that it is the right machine, then pin its key in deploy/inventory.yaml: "
        "`hosts: [{{ssh: {ssh}, host_key: ssh-ed25519 AAAA...}}]` (`ssh-keyscan -t ed25519 {name}`)",
    ),
    Refusal("No ED25519 host key is known", "HOST_KEY", "the host's key is not known", "connect once: `ssh {ssh}`"),
    Refusal(
        "Permission denied",
        "SSH_DENIED",
        "the host refuses your key",
        "add your public key to its authorized_keys, or load it: `ssh-add`; test it: `ssh -o BatchMode=yes {ssh} true`",
    ),
    Refusal(
        "Could not resolve",
        "HOST_UNREACHABLE",
        "the host's name is unknown",
        "correct `hosts` in deploy/inventory.yaml",
    ),
    Refusal(
        "forward",
        "SSH_FORWARDING",
        "the host allows no forwarding",
        "set `AllowTcpForwarding yes` and `AllowStreamLocalForwarding yes` in its sshd_config",
    ),
)


def refusal(host: Host, said: str) -> Failed:
    """Return the failure for ssh's errors. Pure."""
    lines = [line for line in said.strip().splitlines() if line.strip()]
    for known in REFUSALS:
        if known.text.lower() in said.lower():
            hint = known.hint.format(ssh=host.destination, name=host.name)
            return fail(known.code, f"{host.ssh}: {known.message}", *lines[-3:], hint=hint)
    hint = f"check its address, and that it runs: `ssh {host.destination} true`"
    return fail("HOST_UNREACHABLE", f"{host.ssh} does not answer over SSH", *lines[-3:], hint=hint)


def lost(host: Host, said: str = "") -> Failed:
    """Return the failure for a connection that ended."""
    lines = [line for line in said.strip().splitlines() if line.strip()][-3:]
    hint = "when the host answers again, run the same command: it starts from the current state"
    return fail("HOST_LOST", f"the connection to {host.ssh} was lost", *lines, hint=hint, exit=Exit.TIMEOUT)


class Connection:
    """An open connection. Raises Failed HOST_UNREACHABLE, HOST_KEY, SSH_DENIED, SSH_FORWARDING."""

    def __init__(self, host: Host, config: Path | None = None) -> None:
        self.host = host
        self._folder = control_folder.make()
        folder = Path(self._folder.name)
        self.docker_socket, self._control, self._errors = (
            folder / "docker",
            folder / control_folder.CONTROL,
            folder / "errors",
        )
        self._base = ["ssh", *(["-F", str(config)] if config else []), *(["-p", str(host.port)] if host.port else [])]
        self._options = [part for option in (*OPTIONS, *self._pinned(folder)) for part in ("-o", option)]
        forward = f"{self.docker_socket}:{DOCKER_SOCKET}"
        arguments = ["-M", "-S", str(self._control), "-nNT", "-L", forward, host.destination]
        with self._errors.open("wb") as errors:
            self._master = self._start([*self._base, *self._options, *arguments], subprocess.DEVNULL, errors.fileno())
        try:
            self._await()
        except BaseException:
            self.close()
            raise

    def _pinned(self, folder: Path) -> Sequence[str]:
        if self.host.host_key is None:
            return ()
        known = folder / "known_hosts"
        known.write_text(f"pinned {self.host.host_key}\n")
        return "HostKeyAlias=pinned", f"UserKnownHostsFile={known}", "GlobalKnownHostsFile=/dev/null"

    def _await(self) -> None:
        deadline = time.monotonic() + CONNECT_SECONDS
        while not (self._control.exists() and self.docker_socket.exists()):
            if self._master.poll() is not None or time.monotonic() > deadline:
                raise refusal(self.host, self.said)
            time.sleep(0.02)

    @property
    def said(self) -> str:
        return self._errors.read_text(errors="replace") if self._errors.exists() else ""

    @property
    def open(self) -> bool:
        return self._master.poll() is None

    def run(self, script: str, text: str = "", seconds: float = COMMAND_SECONDS) -> Done:
        """Run a POSIX shell script with `text` as its input. Raises Failed HOST_LOST; the exit code is the caller's."""
        child = self._start(self._through("-T", self.host.destination, script), subprocess.PIPE, subprocess.PIPE)
        try:
            out, err = child.communicate(text.encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            raise lost(self.host, f"no answer within {seconds:.0f} s") from None
        finally:
            stop(child)
        if child.returncode == 255:
            raise lost(self.host, err.decode(errors="replace") + self.said)
        return Done(child.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def session(self, script: str) -> subprocess.Popen[bytes]:
        """Start a script that goes on; it reads what is written to it."""
        return self._start(self._through("-T", self.host.destination, script), subprocess.PIPE, subprocess.DEVNULL)

    def dial(self, address: str, port: int) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        """Return a TCP connection that starts at the host, and the process behind it."""
        ours, theirs = socket.socketpair()
        command = self._through("-W", f"{address}:{port}", self.host.destination)
        child = self._start(command, theirs.fileno(), subprocess.DEVNULL, stdout=theirs.fileno())
        theirs.close()
        return ours, child

    @contextmanager
    def lending(self, port: int) -> Iterator[None]:
        """Let the host reach a port of this machine under the same number; nothing if it has its own there."""
        way = f"127.0.0.1:{port}:127.0.0.1:{port}"
        lent = self._control_command("forward", "-R", way) == 0
        try:
            yield
        finally:
            if lent:
                self._control_command("cancel", "-R", way)

    @contextmanager
    def forwarding(self, port: int, address: str, there: int) -> Iterator[None]:
        """Lead a port of this machine to an address that the host reaches. Raises Failed TUNNEL_FAILED."""
        way = f"127.0.0.1:{port}:{address}:{there}"
        if self._control_command("forward", "-L", way):
            hint = "set `AllowTcpForwarding yes` in its sshd_config, or choose another port with --port"
            raise fail("TUNNEL_FAILED", f"{self.host.ssh} forwards no connection to {address}", hint=hint)
        try:
            yield
        finally:
            self._control_command("cancel", "-L", way)

    def terminal(self, *command: str) -> list[str]:
        """Return the command that runs another one on the host, in a terminal of its own."""
        return self._through("-q", "-t", self.host.destination, shlex.join(command))

    def _control_command(self, name: str, *arguments: str) -> int:
        child = self._start(
            self._through("-O", name, *arguments, self.host.destination), subprocess.DEVNULL, subprocess.DEVNULL
        )
        child.communicate(timeout=COMMAND_SECONDS)
        return int(child.returncode)

    def close(self) -> None:
        stop(self._master)
        self._folder.cleanup()

    def _through(self, *arguments: str) -> list[str]:
        # Never a connection of its own: one that the first does not carry would outlive the lock.
        return [*self._base, "-o", "ProxyCommand=false", "-o", "BatchMode=yes", "-S", str(self._control), *arguments]

    def _start(
        self, command: Sequence[str], stdin: int, stderr: int, stdout: int = subprocess.PIPE
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - fixed argument lists, never a shell
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL),
            )
        except FileNotFoundError:
            hint = "install the OpenSSH client (Debian: openssh-client)"
            raise fail("TOOL_MISSING", "ssh is not installed", hint=hint) from None
