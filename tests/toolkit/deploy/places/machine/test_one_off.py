"""One-off commands: their containers, and the lines of their output."""

import pytest

from toolkit.deploy.places.machine import containers
from toolkit.deploy.places.machine.engine import PROJECT, ROLE
from toolkit.deploy.places.machine.one_off import lines

WEB = {
    "kind": "web",
    "image": "r/shop@sha256:1",
    "digest": "sha256:1",
    "environment": {"PORT": "8000"},
    "memory": "128Mi",
}


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([], []),
        ([b"one\n", b"two\n"], ["one", "two"]),
        ([b"one\ntw", b"o\nthree"], ["one", "two", "three"]),
        ([b"\n\n", b"end\r\n"], ["", "", "end"]),
        (["größe\n".encode()[:3], "größe\n".encode()[3:]], ["größe"]),
        ([b"\xff\n", b"\xc3"], ["\ufffd", "\ufffd"]),
    ],
)
def test_lines_of_an_output_in_pieces(chunks: list[bytes], expected: list[str]) -> None:
    assert list(lines(chunks)) == expected


def test_the_command_takes_the_place_of_the_entrypoint_and_no_log_is_kept() -> None:
    made = containers.one_off_arguments("shop", "shop-run-1", WEB, {"DATABASE_URL": "x"}, ["sh", "-c", "exit 3"])
    assert made["entrypoint"] == ["sh", "-c", "exit 3"]
    assert "command" not in made
    assert made["environment"] == {"PORT": "8000", "DATABASE_URL": "x"}
    assert made["host"]["log_config"] == {"type": "none"}
    assert made["labels"][PROJECT] == "shop"
    assert made["labels"][ROLE] not in (
        containers.WEB,
        containers.MIGRATE,
        containers.PROXY,
    )  # no deploy takes it for its own
