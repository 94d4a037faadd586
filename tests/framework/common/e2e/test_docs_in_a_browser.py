"""/docs and /redoc in a real browser that reaches nothing but the service."""

import functools
import http.server as http_server
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# REQUIRE=browser says that there is one: the tests then fail where it is missing.
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "browser" not in os.environ.get("REQUIRE", ""), reason="there is no Chromium on this machine"
)
# Refused, aborted and failed requests, scripts that failed, and what the content security policy has blocked.
COMPLAINTS = ("Uncaught", "Refused to", "Failed to load", "net::ERR", "Content Security Policy")

BAD_PAGE = """
<meta http-equiv="Content-Security-Policy" content="img-src 'none'">
<img src="/x.png"><script src="http://elsewhere.example/x.js"></script><script>missing()</script>
"""


def browse(url: str, folder: Path) -> tuple[str, list[str], list[dict[str, object]]]:
    """The page after its scripts have run, the console's complaints, and the events of the network log."""
    network = folder / "network.json"
    done = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            # Every name but the service's address leads nowhere: there is no internet.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={network}",
            "--enable-logging=stderr",
            "--virtual-time-budget=15000",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line and any(c in line for c in COMPLAINTS)]
    return done.stdout, complaints, json.loads(network.read_text())["events"]


def requested(events: list[dict[str, object]], origin: str) -> set[str]:
    """The URLs that the page asked for; the browser's own errands have no origin."""
    parameters = [event["params"] for event in events if isinstance(event.get("params"), dict)]
    found = [entry for entry in parameters if isinstance(entry, dict) and entry.get("initiator") == origin]
    return {str(entry["url"]) for entry in found if str(entry.get("url")).startswith("http")}


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_the_page_lists_every_endpoint(
    http: AsyncClient, base_url: str, session_app: FastAPI, tmp_path: Path, page: str
) -> None:
    if (await http.get(page)).status_code == 404:
        pytest.skip("the service serves no documentation (DOCS_ENABLED)")
    dom, complaints, events = browse(f"{base_url}{page}", tmp_path)
    assert complaints == []
    urls = requested(events, base_url)
    assert f"{base_url}/openapi.json" in urls
    assert {url for url in urls if not url.startswith(base_url)} == set(), "the page wants something from elsewhere"
    for url in urls:
        assert (await http.get(url)).status_code == 200, url
    for operations in session_app.openapi()["paths"].values():
        for operation in operations.values():
            assert operation["operationId"] in dom or operation["summary"] in dom


def test_a_failing_page_or_external_request_is_noticed(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.html").write_text(BAD_PAGE)
    handler = functools.partial(http_server.SimpleHTTPRequestHandler, directory=str(pages))
    with http_server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_port}"
        _, complaints, events = browse(f"{origin}/", tmp_path)
        server.shutdown()
    assert "http://elsewhere.example/x.js" in requested(events, origin)
    for kind in ("Uncaught", "Content Security Policy"):
        assert any(kind in line for line in complaints), complaints
