"""Messages of ssh and of engines, each with its code."""

import pytest

from toolkit.deploy.inventory.machine import Host
from toolkit.deploy.places.machine.failures import engine_failure
from toolkit.deploy.places.machine.rollout import local_port
from toolkit.deploy.places.machine.ssh import refusal


@pytest.mark.parametrize(
    ("image", "port"),
    [
        ("localhost:5000/shop@sha256:1", 5000),
        ("127.0.0.1:5001/team/shop@sha256:1", 5001),
        ("localhost/shop@sha256:1", 0),
        ("registry.example:5000/shop@sha256:1", 0),
        ("example/shop@sha256:1", 0),
    ],
)
def test_registry_of_this_machine(image: str, port: int) -> None:
    assert local_port(image) == port


HOST = Host(ssh="deploy@203.0.113.7")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("deploy@203.0.113.7: Permission denied (publickey).", "SSH_DENIED"),
        ("Host key verification failed.", "HOST_KEY"),
        (
            "No ED25519 host key is known for 203.0.113.7 and you have requested strict checking.\n"
            "Host key verification failed.",
            "HOST_KEY",
        ),
        ("ssh: Could not resolve hostname nowhere: Name or service not known", "HOST_UNREACHABLE"),
        ("ssh: connect to host 203.0.113.7 port 22: Connection refused", "HOST_UNREACHABLE"),
        ("ssh: connect to host 203.0.113.7 port 22: Connection timed out", "HOST_UNREACHABLE"),
        ("Error: remote port forwarding failed for listen path", "SSH_FORWARDING"),
        ("", "HOST_UNREACHABLE"),
    ],
)
def test_refusals_of_ssh(said: str, code: str) -> None:
    found = refusal(HOST, said).failure
    assert found.code == code
    assert found.hint


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (
            "driver failed programming external connectivity on endpoint x: "
            "Bind for 0.0.0.0:80 failed: port is already allocated",
            "PORT_TAKEN",
        ),
        ("listen tcp4 0.0.0.0:80: bind: address already in use", "PORT_TAKEN"),
        ("write /var/lib/docker/tmp/x: no space left on device", "DISK_FULL"),
        ("manifest for r/shop@sha256:1 not found: manifest unknown: manifest unknown", "IMG_NOT_FOUND"),
        ("No such image: r/shop:1", "IMG_NOT_FOUND"),
        ("unauthorized: authentication required", "IMG_DENIED"),
        ('Get "https://r.example/v2/": dial tcp: lookup r.example: no such host', "REGISTRY_UNREACHABLE"),
        ('OCI runtime create failed: exec: "nothing": executable file not found in $PATH', "START_ERROR"),
        ("standard_init_linux.go:228: exec user process caused: exec format error", "WRONG_PLATFORM"),
        ("('Connection aborted.', PermissionError(13, 'connect: permission denied'))", "ENGINE_DENIED"),
        ("something else", "ENGINE_ERROR"),
    ],
)
def test_failures_of_the_engine(said: str, code: str) -> None:
    found = engine_failure("203.0.113.7", said).failure
    assert found.code == code
    assert found.message.startswith("203.0.113.7") or "203.0.113.7" in found.message
    assert found.hint
