"""A service as its clients see it, over HTTP: the same tests before a commit and after a deployment."""

import os
from types import ModuleType
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from tests.factories import FACTORIES
from tests.support.problems import assert_problem


@pytest.fixture(params=FACTORIES, ids=[factory.PATH.rpartition("/")[2] for factory in FACTORIES])
def resource(request: pytest.FixtureRequest) -> ModuleType:
    module: ModuleType = request.param
    return module


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/v1/health"])
async def test_probes_answer(http: AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 200


async def test_an_object_lives_and_dies(http: AsyncClient, resource: ModuleType) -> None:
    created = await resource.create(http)
    one = f"{resource.PATH}/{created['id']}"
    try:
        read = await http.get(one)
        assert read.json() == created
        assert (await http.get(one, headers={"If-None-Match": read.headers["ETag"]})).status_code == 304
        replaced = await http.put(one, json=await resource.body(http))
        assert replaced.json()["version"] == 2
        assert_problem(await http.patch(one, json={}, headers={"If-Match": read.headers["ETag"]}), 412)
        assert (await http.get(resource.PATH, params={"limit": 1})).json()["items"]
    finally:
        assert (await http.delete(one)).status_code == 204
    assert_problem(await http.get(one), 404, "not_found")


async def test_a_request_sent_twice_is_carried_out_once(http: AsyncClient, resource: ModuleType) -> None:
    body, key = await resource.body(http), {"Idempotency-Key": str(uuid4())}
    first, second = [await http.post(resource.PATH, json=body, headers=key) for _ in range(2)]
    assert first.status_code == second.status_code == 201
    assert second.json() == first.json()
    await http.delete(first.url.join(first.headers["Location"]))


async def test_a_request_keeps_its_id(http: AsyncClient) -> None:
    given = uuid4().hex
    answer = await http.get("/nowhere", headers={"X-Request-ID": given})
    assert assert_problem(answer, 404)["request_id"] == given


async def test_traffic_is_counted(http: AsyncClient, resource: ModuleType) -> None:
    await http.get(resource.PATH)
    metrics = await http.get("/metrics")
    if metrics.status_code == 404:
        pytest.skip("metrics are on a port of their own (METRICS_PORT)")
    assert "http_server_request_duration_seconds" in metrics.text
    if "BASE_URL" not in os.environ:  # there, another instance may have served the request before
        assert f'http_route="{resource.PATH}"' in metrics.text
