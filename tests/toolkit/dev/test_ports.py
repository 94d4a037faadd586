"""Free and taken TCP ports of this machine."""

import socket
from collections.abc import Iterator

import pytest

from toolkit.dev import ports

HOST = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_taken_until_it_closes() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(HOST, port)
    assert ports.is_free(HOST, port)


def test_the_next_free_port_is_the_first_that_no_program_has(taken: int) -> None:
    found = ports.next_free(HOST, taken)
    assert found > taken
    assert not any(ports.is_free(HOST, port) for port in range(taken, found))


def test_after_the_last_port_the_system_chooses() -> None:
    assert ports.next_free(HOST, ports.NUMBERS.stop) in ports.NUMBERS


def test_a_port_of_an_ipv6_address() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        port = server.getsockname()[1]
        assert not ports.is_free("::1", port)
    assert ports.is_free("::1", port)
