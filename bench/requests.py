"""The requests that are sent, as they stand on the wire."""

from __future__ import annotations

import json
import urllib.request

from bench.load import HOST
from bench.process import Server

PRODUCTS = "/api/v1/products"
PRODUCT = {"name": "Lamp", "description": "Gives light where there is none", "price": "19.90", "stock": 3}
PAGE = 50
# Pages are walked in the largest steps that the API takes.
STEP = 100


def request(method: str, path: str, token: str = "", body: object = None) -> str:
    content = "" if body is None else json.dumps(body)
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Accept: */*", "User-Agent: bench"]
    head += [f"Authorization: Bearer {token}"] if token else []
    head += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []
    return "\r\n".join([*head, "", content])


def page(cursor: str = "") -> str:
    return f"{PRODUCTS}?limit={PAGE}" + (f"&cursor={cursor}" if cursor else "")


def deep_cursor(server: Server, token: str, rows: int) -> str:
    """The cursor of the page after `rows` rows, found as a client finds it: by following `next`."""
    cursor = ""
    for _ in range(rows // STEP):
        path = f"{PRODUCTS}?limit={STEP}" + (f"&cursor={cursor}" if cursor else "")
        asked = urllib.request.Request(
            f"http://{HOST}:{server.port}{path}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            cursor = json.load(answer)["next"]
    return cursor
