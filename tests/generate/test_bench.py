"""The benchmark's own parts: what it counts, what it compares, what it prints. The figures are not tested."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bench.figures import Figure, interleaved, ratios
from bench.generation import steps_of
from bench.load import Load, Result, send
from bench.table import Row, plain

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@contextlib.asynccontextmanager
async def answering(*pieces: bytes) -> AsyncIterator[int]:
    """A server that answers each request with these pieces, one write each."""
    serving: list[asyncio.Task[object] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(0.001)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait([task for task in serving if task])


def load(*pieces: bytes, seconds: float = 30, most: int = 1_000_000) -> Result:
    async def run() -> Result:
        async with answering(*pieces) as port:
            return await send(Load(port, ["GET / HTTP/1.1\r\n\r\n"], connections=2, seconds=seconds, most=most))

    return asyncio.run(run())


def test_a_load_is_bounded_in_count() -> None:
    result = load(ANSWER, most=20)
    assert 20 <= result.requests <= 21  # the other connection had one under way
    assert result.unexpected == 0
    assert 0 < result.median <= result.p99


def test_a_load_is_bounded_in_time() -> None:
    result = load(ANSWER, seconds=0.2)  # is to run out
    assert result.seconds < 5


def test_an_answer_may_come_in_pieces() -> None:
    assert load(ANSWER[:10], ANSWER[10:40], ANSWER[40:], most=4).unexpected == 0


def test_other_answers_are_counted() -> None:
    result = load(ANSWER.replace(b"200", b"503"), most=6)
    assert result.unexpected == result.requests


def test_rounds_are_interleaved() -> None:
    order: list[str] = []

    def measure(name: str) -> str:
        order.append(name)
        return name

    assert interleaved(3, [lambda: measure("a"), lambda: measure("b")]) == [["a"] * 3, ["b"] * 3]
    assert "".join(order) == "abbaab"


def test_ratios_are_taken_within_a_round() -> None:
    # The second round ran on a machine that was busy with something else.
    assert ratios([100, 10, 90], [100, 20, 100]) == Figure(0.9, 0.5, 1.0)


@pytest.mark.parametrize(
    ("row", "passed"),
    [
        (Row("x", Figure.of([1]), ratio=Figure.of([0.9]), least=0.8), True),
        (Row("x", Figure.of([1]), ratio=Figure.of([0.7]), least=0.8), False),
        (Row("x", Figure.of([1]), ratio=Figure.of([1.2]), most=1.1), False),
        (Row("x", Figure.of([1]), ratio=Figure.of([1.2])), None),
    ],
)
def test_a_row_knows_what_is_wanted(row: Row, passed: bool | None) -> None:
    assert row.passed is passed


def test_the_plain_table() -> None:
    row = Row("get one: requests/s", Figure(9, 8, 10), Figure(10, 9, 11), Figure(0.9, 0.8, 1.0), ".0f", least=0.95)
    assert plain([row]).splitlines() == [
        "what                 here       against     ratio              wanted",
        "get one: requests/s  9 (8..10)  10 (9..11)  0.90 (0.80..1.00)  >= 0.95  MISSED",
    ]


def test_steps_are_read_as_the_hook_prints_them() -> None:
    printed = "changed  options      driver=helm  (0.0 s)\nok       lock         uv.lock  (1.5 s)\nA line of uv's own\n"
    assert steps_of(printed) == {"options": 0.0, "lock": 1.5}
