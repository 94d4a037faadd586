"""A client that openapi-python-client generates from the OpenAPI document pages, locks and retries."""

import copy
import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.bakery import Bakery
from tests.support.running import Dev

Document = dict[str, Any]
PARAMETERS = {
    "products_list": "cursor",
    "products_create": "idempotency_key",
    "products_get": "if_none_match",
    "products_replace": "if_match",
    "products_change": "if_match",
    "products_delete": "if_match",
}
CONTROL = ("cursor", "If-Match", "If-None-Match", "Idempotency-Key")


class Api:
    """The generated package: its client, its models, and its operations by their ids."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.client: Any = importlib.import_module(package).AuthenticatedClient
        self.models: Any = importlib.import_module(f"{package}.models")

    def operation(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self.package}.api.products.{name}")

    def parameters(self, name: str) -> set[str]:
        return set(inspect.signature(self.operation(name).sync_detailed).parameters)


@pytest.fixture
def generate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Document, str], Api]]:
    """Generates a package with this name from a document, and imports it."""
    monkeypatch.syspath_prepend(tmp_path)
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}  # it formats with ruff

    def make(document: Document, name: str) -> Api:
        source = tmp_path / f"{name}.json"
        source.write_text(json.dumps(document))
        program = str(scripts / "openapi-python-client")
        options = ["--path", str(source), "--output-path", str(tmp_path / name), "--meta", "none", "--fail-on-warning"]
        command = [program, "generate", *options]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return Api(name)

    yield make
    for name in [name for name in sys.modules if name.split(".")[0] in ("shop_client", "poor_client")]:
        del sys.modules[name]


@pytest.fixture
def document(bakery: Bakery) -> Document:
    return json.loads((bakery.bake() / "docs" / "openapi.json").read_text())


def test_pages_locks_and_retries(
    dev: Callable[..., Dev], generate: Callable[[Document, str], Api], document: Document
) -> None:
    api, service = generate(document, "shop_client"), dev().ready()
    with api.client(service.address, token=service.token, timeout=60, raise_on_unexpected_status=True) as client:
        ids = {create(api, client, f"Lamp {number}", f"key-{number}").parsed.id for number in range(5)}
        assert ids == set(pages(api, client, limit=2))
        retries(api, client)
        locks(api, client)


def create(api: Api, client: Any, name: str, key: str) -> Any:
    body = api.models.ProductCreate(name=name, price=12.5)
    return api.operation("products_create").sync_detailed(client=client, body=body, idempotency_key=key)


def pages(api: Api, client: Any, limit: int) -> Iterator[Any]:
    """The ids of all products, page by page."""
    fetch = api.operation("products_list").sync_detailed
    answer = fetch(client=client, limit=limit)
    while answer.parsed.next_:
        assert len(answer.parsed.items) == limit
        assert 'rel="next"' in answer.headers["Link"]
        yield from (item.id for item in answer.parsed.items)
        answer = fetch(client=client, limit=limit, cursor=answer.parsed.next_)
    yield from (item.id for item in answer.parsed.items)


def retries(api: Api, client: Any) -> None:
    first, again = (create(api, client, "Chair", "the same key") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.parsed == again.parsed
    assert create(api, client, "Chair", "another key").parsed.id != first.parsed.id
    reused = create(api, client, "Table", "the same key")
    assert (reused.status_code, reused.parsed.code) == (422, "idempotency_key_reused")


def locks(api: Api, client: Any) -> None:
    created = create(api, client, "Desk", "a desk")
    product, tag = created.parsed.id, created.headers["ETag"]
    change = api.operation("products_change").sync_detailed
    changed = change(product, client=client, body=api.models.ProductUpdate(stock=3), if_match=tag)
    assert changed.status_code == 200
    stale = change(product, client=client, body=api.models.ProductUpdate(stock=4), if_match=tag)
    assert (stale.status_code, stale.parsed.code) == (412, "precondition_failed")
    read = api.operation("products_get").sync_detailed
    assert read(product, client=client).parsed.stock == 3
    assert read(product, client=client, if_none_match=changed.headers["ETag"]).status_code == 304
    delete = api.operation("products_delete").sync_detailed
    assert delete(product, client=client, if_match=tag).status_code == 412
    assert delete(product, client=client, if_match=changed.headers["ETag"]).status_code == 204


def test_a_document_without_the_parameters_gives_a_client_that_cannot(
    generate: Callable[[Document, str], Api], document: Document
) -> None:
    """The negative control: it is the document that makes the client able to."""
    poor = copy.deepcopy(document)
    for operations in poor["paths"].values():
        for operation in operations.values():
            kept = [entry for entry in operation.get("parameters", ()) if entry["name"] not in CONTROL]
            operation["parameters"] = kept
    able, unable = generate(document, "shop_client"), generate(poor, "poor_client")
    for name, parameter in PARAMETERS.items():
        assert parameter in able.parameters(name)
        assert parameter not in unable.parameters(name)
