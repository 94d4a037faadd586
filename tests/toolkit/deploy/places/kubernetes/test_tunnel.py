"""The relay to the database, run as the pod runs it, and the program that leads to it."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.running import PATIENCE, free_port
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places import relay
from toolkit.deploy.places.kubernetes import tunnel


@pytest.fixture
def echo() -> int:
    """A server that answers each connection with what it gets, in capitals."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            connection, _ = server.accept()
            while data := connection.recv(1000):
                connection.sendall(data.upper())
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return int(server.getsockname()[1])


def start(folder: Path, url: str, port: int) -> subprocess.Popen[str]:
    """Start the relay with a service whose database has this URL."""
    (folder / "app").mkdir()
    (folder / "app" / "__main__.py").write_text(f"print({url!r})")
    code = relay.CODE.replace("5432)", f"{port})")
    assert code != relay.CODE
    return subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, text=True)


def connected(child: subprocess.Popen[str], port: int) -> socket.socket:
    for _ in range(PATIENCE * 20):
        assert child.poll() is None
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE)
        except ConnectionRefusedError:
            threading.Event().wait(0.05)  # is to run out
    raise AssertionError("the relay does not listen")


def test_each_connection_reaches_the_first_host_that_answers(echo: int, tmp_path: Path) -> None:
    port, nobody = free_port(), free_port()
    child = start(tmp_path, f"postgresql://shop:p%40ss@127.0.0.1:{nobody},127.0.0.1:{echo}/shop?sslmode=disable", port)
    try:
        for text in (b"one", b"two"):
            with connected(child, port) as connection:
                connection.sendall(text)
                assert connection.recv(1000) == text.upper()
    finally:
        child.kill()
        child.communicate()


def test_settings_that_allow_no_start_end_the_relay(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("raise SystemExit(78)")
    done = subprocess.run([sys.executable, "-c", relay.CODE], cwd=tmp_path, check=False, timeout=PATIENCE)
    assert done.returncode == 78


def test_a_missing_kubectl_is_named_before_anything_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failed, match="TOOL_MISSING"):
        tunnel.require_kubectl()
