"""Request ids and traces as they come from outside."""

import pytest

from app.request_context import REQUEST, RequestIds, accept_request_id, request_id, trace_of

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("given", [b"a", b"b3c4-D_5.6~7:8+9/0=@x", b"x" * 128])
def test_a_harmless_id_is_kept(given: bytes) -> None:
    assert accept_request_id(given) == given.decode()


@pytest.mark.parametrize(
    "given", [None, b"", b"x" * 129, b"a b", b'a"b', b"a\nb", b"\xc3\xa9", b"<script>", b"a,b", b"\x00"]
)
def test_any_other_is_replaced(given: bytes | None) -> None:
    made = accept_request_id(given)
    assert len(made) == 32
    int(made, 16)


def test_ids_do_not_repeat() -> None:
    ids = RequestIds()
    made = [ids.new() for _ in range(1000)]
    ids.renew()  # as after a fork
    made += [ids.new() for _ in range(1000)]
    assert len(set(made)) == 2000


def test_there_is_no_id_outside_of_a_request() -> None:
    assert request_id() == ""
    token = REQUEST.set({"request_id": "x"})
    assert request_id() == "x"
    REQUEST.reset(token)


@pytest.mark.parametrize(
    "header", [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00", f"01-{TRACE}-{PARENT}-01-more"]
)
def test_a_traceparent_is_read(header: str) -> None:
    assert trace_of(header.encode()) == {"trace_id": TRACE, "parent_id": PARENT}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}x-{PARENT}-01",
        f"zz-{TRACE}-{PARENT}-01",
    ],
)
def test_a_malformed_traceparent_is_ignored(header: str) -> None:
    assert trace_of(header.encode()) == {}
