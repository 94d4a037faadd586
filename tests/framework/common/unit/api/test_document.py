"""/openapi.json is built once, off the event loop, in a time that grows with the domain and no faster."""

import asyncio
import cProfile
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Query
from pydantic import BaseModel, Field, create_model

from app.api.application import Service
from app.api.document import Document
from app.api.routing import Router
from app.core.security import public
from app.schemas import base
from tests.support.problems import assert_problem
from tests.unit.conftest import ClientOf, MakeApp

PROJECT = Path(__file__).resolve().parents[3]

# The service, with a document that takes longer to build than any test waits.
ENDLESS = """
import sys
from app.api.application import Service

def build(self):
    sys.stdout.write("building\\n")
    sys.stdout.flush()
    while True:
        pass

Service.openapi = build
from app.__main__ import leave, main
leave(main())
"""


def resources(count: int, fields: int = 10) -> Router:
    """Routes as the generator makes them for so many resources."""
    router = Router(dependencies=[public])
    text = Annotated[str, Field(max_length=100, pattern=base.NO_NUL, examples=["A text"])]
    for number in range(count):
        columns: dict[str, Any] = {f"field_{index}": (text, ...) for index in range(fields)}
        filters: dict[str, Any] = dict.fromkeys(columns, (base.QueryText | None, None))
        create = create_model(f"R{number}Create", __base__=base.Schema, **columns)
        read = create_model(f"R{number}Read", __base__=base.ReadSchema, **columns)
        query = create_model(f"R{number}Query", __base__=base.PageQuery, **filters)
        _routes(router, number, create, read, query)
    return router


def _routes(router: Router, number: int, create: type[BaseModel], read: type[BaseModel], query: Any) -> None:
    async def listed(query: Any) -> None: ...
    async def created(data: Any) -> None: ...

    listed.__annotations__ = {"query": Annotated[query, Query()], "return": None}
    created.__annotations__ = {"data": create, "return": None}
    options: dict[str, Any] = {"methods": ["GET"], "operation_id": f"r{number}_list"}
    router.add_api_route(f"/r{number}", listed, response_model=base.Page[read], **options)  # type: ignore[valid-type]
    options = {"methods": ["POST"], "operation_id": f"r{number}_create"}
    router.add_api_route(f"/r{number}", created, response_model=read, **options)


def calls_to_build(app: Service) -> int:
    """Return the number of function calls for the document: a measure of work that is independent of load."""
    profile = cProfile.Profile()
    document = profile.runcall(app.openapi)
    assert document["paths"]
    return sum(entry.callcount for entry in profile.getstats())


def test_work_grows_with_the_domain_and_no_faster(make_app: MakeApp) -> None:
    calls_to_build(make_app(resources(1)))  # what is imported and compiled once
    few, some, many = (calls_to_build(make_app(resources(count))) for count in (4, 8, 16))
    assert many - some <= 2.2 * (some - few)


async def test_it_is_built_once_for_all_who_ask(make_app: MakeApp, client_of: ClientOf) -> None:
    app, built = make_app(resources(1)), list[str]()

    def build() -> dict[str, Any]:
        built.append(threading.current_thread().name)
        time.sleep(0.1)  # the others ask meanwhile
        return {"openapi": "3.1.0"}

    app.add_route("/document", Document(build).answer)
    client = client_of(app)
    answers = await asyncio.gather(*(client.get("/document") for _ in range(5)))
    assert {answer.text for answer in answers} == {'{"openapi":"3.1.0"}'}
    assert (await client.get("/document")).json() == {"openapi": "3.1.0"}
    assert built == ["openapi"]


async def test_a_client_that_leaves_does_not_take_it_away() -> None:
    release = threading.Event()

    def build() -> dict[str, Any]:
        assert release.wait(60)
        return {"built": True}

    document = Document(build)
    first, second = (asyncio.create_task(document._built()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    release.set()
    assert json.loads(await second) == {"built": True}


async def test_a_failure_is_a_problem_and_tried_again(make_app: MakeApp, client_of: ClientOf) -> None:
    document = {"openapi": "3.1.0", "maximum": 10**38, "title": "Küche"}  # a bound of a decimal is no 64-bit integer
    outcomes: list[Any] = [ZeroDivisionError("hidden-word"), document]

    def build() -> dict[str, Any]:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    app = make_app()
    app.add_route("/document", Document(build).answer)
    client = client_of(app)
    assert_problem(await client.get("/document"), 500, "internal_error")
    assert (await client.get("/document")).json() == document


@pytest.fixture
def endless() -> Iterator[tuple[subprocess.Popen[str], int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"ENVIRONMENT": "test", "PORT": str(port), "DRAIN_SECONDS": "0", "GRACEFUL_SECONDS": "1"}
    command = [sys.executable, "-c", ENDLESS]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
    yield process, port
    process.kill()
    process.communicate()


def test_a_signal_ends_the_process_while_the_document_is_built(endless: tuple[subprocess.Popen[str], int]) -> None:
    process, port = endless
    while True:
        try:
            asking = socket.create_connection(("127.0.0.1", port), timeout=300)
            break
        except ConnectionRefusedError:
            assert process.poll() is None, "the service has ended"
            time.sleep(0.05)
    with closing(asking):
        asking.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        assert process.stdout is not None
        assert any(line == "building\n" for line in process.stdout)
        # Others are served meanwhile.
        with closing(HTTPConnection("127.0.0.1", port, timeout=300)) as connection:
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == 0
