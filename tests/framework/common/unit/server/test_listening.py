"""HOST: the sockets that are opened, and the messages for an unavailable address."""

import errno
import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app import probe
from app.core.config import ConfigurationError, Settings
from app.server import listening
from app.server.listening import PortInUse, listen
from app.server.metrics_server import metrics_server
from tests.unit.conftest import MakeApp
from tests.unit.server.test_draining import PROJECT, Start, start, wait_for_start  # noqa: F401 - a fixture

FAMILIES = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def reaches(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=60).close()
    except ConnectionRefusedError:
        return False
    return True


@ipv6
@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("::", {"127.0.0.1", "::1"}),
        ("0:0:0:0:0:0:0:0", {"127.0.0.1", "::1"}),
        ("::1", {"::1"}),
        ("127.0.0.1", {"127.0.0.1"}),
        ("0.0.0.0", {"127.0.0.1"}),  # noqa: S104
    ],
)
def test_what_a_host_listens_on(host: str, reached: set[str]) -> None:
    (listening_on,) = listen(host, 0)
    with closing(listening_on):
        port = listening_on.getsockname()[1]
        assert {address for address in FAMILIES if reaches(address, port)} == reached


@pytest.mark.parametrize("written", ["[::]", " :: ", "::"])
def test_brackets_of_a_url_are_taken(clean_environment: pytest.MonkeyPatch, written: str) -> None:
    assert Settings(host=written).bind_host == "::"


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("192.0.2.1", 0, "HOST: cannot listen on 192.0.2.1: not an address of this machine"),
        ("nowhere.invalid", 0, "HOST: 'nowhere.invalid' is not an address"),
    ],
)
def test_an_address_of_another_machine_is_a_wrong_setting(host: str, port: int, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        listen(host, port)
    assert said in str(caught.value)


def test_a_machine_without_ipv6_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_ipv6(*_: object, **__: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))  # as Linux does with ipv6.disable=1

    monkeypatch.setattr(listening.socket, "create_server", without_ipv6)
    with pytest.raises(ConfigurationError) as caught:
        listen("::", 8000)
    assert "HOST: cannot listen on ::: this machine has no IPv6; use an IPv4 address, such as 0.0.0.0" in str(
        caught.value
    )


def test_a_port_that_is_taken_is_named() -> None:
    (taken,) = listen("127.0.0.1", 0)
    with closing(taken), pytest.raises(PortInUse, match=r"METRICS_PORT: \d+ is in use on 127\.0\.0\.1"):
        listen("127.0.0.1", taken.getsockname()[1], "METRICS_PORT")


@ipv6
def test_metrics_are_served_to_both_families(make_app: MakeApp) -> None:
    app = make_app(metrics_port=0, host="::")
    with metrics_server(app.state.settings, app.state.metrics) as port:
        for address in FAMILIES:
            with closing(http.client.HTTPConnection(address, port, timeout=60)) as connection:
                connection.request("GET", "/metrics")
                assert b"target_info" in connection.getresponse().read()


@ipv6
@pytest.mark.parametrize("host", ["::", "::1"])
def test_the_containers_health_check_follows_host(start: Start, host: str) -> None:  # noqa: F811
    process, port = start(HOST=host)
    wait_for_start(process, port, "::1" if host == "::1" else "127.0.0.1")
    assert healthy(HOST=host, PORT=str(port)) == 0
    process.kill()
    process.wait()
    assert healthy(HOST=host, PORT=str(port)) == 1


def healthy(**variables: str) -> int:
    """The exit code of the image's HEALTHCHECK."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **variables}
    command = ["/bin/sh", str(PROJECT / "entrypoint.sh"), "healthy"]
    return subprocess.run(command, env=environment, timeout=60, check=False).returncode


def test_the_health_check_reads_settings_as_the_service_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECRETS", tmp_path)
    monkeypatch.setenv("PORT", "1")
    (tmp_path / "PORT").write_text("9000\n")
    assert probe.setting("PORT") == "9000"
    assert probe.setting("HOST") == ""
    assert probe.hosts("[::1]") == ("::1",)


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"HOST": "192.0.2.1"}, 78), ({"METRICS_PORT": "{taken}"}, 3)],
    ids=["address", "port of the metrics"],
)
def test_a_start_that_cannot_listen_says_why(settings: dict[str, str], code: int) -> None:
    (taken,) = listen("127.0.0.1", 0)
    with closing(taken):
        variables = {name: value.format(taken=taken.getsockname()[1]) for name, value in settings.items()}
        environment = {"PATH": os.environ["PATH"], "ENVIRONMENT": "test", "PORT": "0", **variables}
        run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run
        ended = run(
            [sys.executable, "-m", "app"], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120
        )
    said = ended.stdout + ended.stderr
    assert ended.returncode == code, said
    assert next(iter(settings)) + ":" in said
    assert "Traceback" not in said
