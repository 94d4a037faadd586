"""Links of a resource behind a proxy that takes a prefix off the path: a client can follow them."""

from types import ModuleType

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.core.config import Settings
from app.lifecycle import Lifecycle
from app.server.draining import make_server
from tests.support.identity import headers_for


@pytest.mark.parametrize("by", ["ROOT_PATH", "X-Forwarded-Prefix"])
async def test_links_carry_the_prefix(app: FastAPI, client: AsyncClient, first_resource: ModuleType, by: str) -> None:
    settings = Settings(root_path="/shop") if by == "ROOT_PATH" else Settings(forwarded_allow_ips="127.0.0.1")
    served = make_server(app, settings, Lifecycle()).config.app
    headers = {**headers_for(app=app), "X-Forwarded-Prefix": "/shop"}
    transport = ASGITransport(served)  # pyrefly: ignore[bad-argument-type]
    async with AsyncClient(transport=transport, base_url="http://test", headers=headers) as behind:
        made = [await behind.post(first_resource.PATH, json=await first_resource.body(client)) for _ in range(2)]
        page = await behind.get(first_resource.PATH, params={"limit": 1})
        link = page.headers["Link"]
        # What the proxy does with a link that it gets back.
        followed = await behind.get(link[1 : link.index(">")].removeprefix("/shop"))
    ids = [answer.json()["id"] for answer in made]
    assert [answer.headers["Location"] for answer in made] == [f"/shop{first_resource.PATH}/{id}" for id in ids]
    assert link.startswith(f"</shop{first_resource.PATH}?")
    assert {item["id"] for item in page.json()["items"] + followed.json()["items"]} == set(ids)
