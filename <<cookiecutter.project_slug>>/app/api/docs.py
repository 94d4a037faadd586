"""/docs and /redoc, served without a CDN: they work offline and under a strict content security policy.

The package fastapi-offline contains the assets (Swagger UI, Apache-2.0; ReDoc, MIT); only its files are used. The pages
have no inline script, and their addresses are relative, so that they work behind a path prefix.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.responses import FileResponse
from starlette.routing import Route

from app.core.exceptions import NotFound
from app.middleware.outermost import SECURITY_HEADERS_KEY, RawHeaders

_ASSET = "docs/assets"
# Swagger UI and ReDoc write style elements, ReDoc searches in a worker; code comes from this origin alone.
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    b"connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: RawHeaders = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", _POLICY),
    (b"referrer-policy", b"no-referrer"),
)

_SWAGGER_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
"""
_REDOC_START = """Redoc.init("openapi.json", { disableGoogleFont: true, hideDownloadButtons: false },
  document.getElementById("redoc"));
"""
_STARTS = {"swagger-start.js": _SWAGGER_START, "redoc-start.js": _REDOC_START}
_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
_REDOC = "redoc.standalone.js"
# The badge at the foot of ReDoc's menu is loaded from the vendor's server; a local picture replaces it.
_REDOC_BADGE = b"https://cdn.redoc.ly/redoc/logo-mini.svg"

_KEPT = {"Cache-Control": "public, max-age=3600"}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{assets}/favicon.png">
{head}
</head>
<body>
<div id="{root}"></div>
<script src="{assets}/{library}"></script>
<script src="{assets}/{start}"></script>
</body>
</html>
"""


def assets_directory() -> Path:
    """Return the folder of the package's files. Raises RuntimeError when it is not installed."""
    spec = find_spec("fastapi_offline")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("/docs needs the package fastapi-offline: install it, or set DOCS_ENABLED=false")
    return Path(next(iter(spec.submodule_search_locations))) / "static"


def install(app: FastAPI) -> None:
    directory = assets_directory()
    stylesheet = f'<link rel="stylesheet" href="{_ASSET}/swagger-ui.css">'
    swagger = _page(app.title, "swagger-ui", stylesheet, "swagger-ui-bundle.js", "swagger-start.js")
    redoc = _page(app.title, "redoc", "", _REDOC, "redoc-start.js")

    async def serve_page(request: Request) -> Response:
        request.scope[SECURITY_HEADERS_KEY] = PAGE_HEADERS
        return Response(swagger if request.scope["path"].endswith("/docs") else redoc, media_type="text/html")

    async def serve_asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name in _STARTS:
            return Response(_STARTS[name], media_type="text/javascript")
        if name == _REDOC:
            return Response(_redoc(directory), media_type="text/javascript", headers=_KEPT)
        if name in _FILES:
            return FileResponse(directory / name, headers=_KEPT)
        raise NotFound("File not found.")

    app.router.routes += [
        Route("/docs", serve_page),
        Route("/redoc", serve_page),
        Route(f"/{_ASSET}/{{name}}", serve_asset),
    ]


@lru_cache(maxsize=1)
def _redoc(directory: Path) -> bytes:
    return (directory / _REDOC).read_bytes().replace(_REDOC_BADGE, f"{_ASSET}/favicon.png".encode())


def _page(title: str, root: str, head: str, library: str, start: str) -> str:
    return _PAGE.format(title=escape(title), root=root, head=head, assets=_ASSET, library=library, start=start)
