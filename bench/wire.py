"""The requests, as bytes on the wire."""

from __future__ import annotations

import json

HEALTH = "/health"
PRODUCTS = "/api/v1/products"
PRODUCT = {"name": "Lamp", "description": "Gives light where there is none", "price": "19.90", "stock": 3}
PAGE = 50


def request(method: str, path: str, token: str = "", body: object = None) -> str:
    content = "" if body is None else json.dumps(body)
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Accept: */*", "User-Agent: bench"]
    head += [f"Authorization: Bearer {token}"] if token else []
    head += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []
    return "\r\n".join([*head, "", content])


def page(cursor: str = "", size: int = PAGE) -> str:
    """Return the path of a page of products: the first one, or the one at a cursor."""
    return f"{PRODUCTS}?limit={size}" + (f"&cursor={cursor}" if cursor else "")
