"""Without authentication every caller is anonymous, and nothing else changes."""

from fastapi import Depends, FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.core import security_none


async def other() -> None: ...


async def test_every_caller_is_anonymous() -> None:
    app = FastAPI()

    async def whoami(subject: str) -> str:
        return subject

    whoami.__annotations__["subject"] = security_none.Subject
    app.add_api_route("/", whoami)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/", headers={"Authorization": "Bearer of.some.kind"})).json() == "anonymous"


def test_nothing_is_guarded() -> None:
    kept = Depends(other)
    assert security_none.guard_of([security_none.public, kept]) == (None, [kept])
    assert security_none.security_schemes() == {}
    assert security_none.security_of(security_none.Guard()) == []


def test_there_is_nothing_to_set_and_nothing_to_refuse() -> None:
    app = FastAPI()
    assert security_none.SETTINGS == ()
    security_none.install(app)
    security_none.refuse_unprotected(app, "/api/v1")
    assert security_none.unprotected_routes(app, "/api/v1") == []
