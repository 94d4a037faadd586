"""Without authentication every caller is anonymous, and nothing else changes."""

from fastapi import Depends, FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.core import security
from app.core.security import Subject


async def other() -> None: ...


async def test_every_caller_is_anonymous() -> None:
    app = FastAPI()

    async def whoami(subject: Subject) -> str:
        return subject

    app.add_api_route("/", whoami)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/", headers={"Authorization": "Bearer of.some.kind"})).json() == "anonymous"


def test_nothing_is_guarded() -> None:
    kept = Depends(other)
    assert security.guard_of([security.public, kept]) == (None, [kept])
    assert security.security_schemes((), "") == {}
    assert security.security_of(security.Guard()) == []


def test_there_is_nothing_to_set_and_nothing_to_refuse() -> None:
    app = FastAPI()
    assert security.SETTINGS == ()
    security.install(app)
    security.refuse_unprotected(app, "/api/v1")
    assert security.unprotected_routes(app, "/api/v1") == []
