"""The button Authorize of /docs, in a real browser: e-mail and password, then a call with the token."""

import asyncio
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from tests.support.databases import ROOT
from tests.support.service import running
from tests.support.waiting import PATIENCE
from toolkit.dev.subprocesses import die_with_parent

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "browser" not in os.environ.get("REQUIRE", ""), reason="there is no Chromium on this machine"
)
EMAIL, PASSWORD = "ada@example.com", "correct horse battery staple"
# A person's clicks, appended to the page's own script by a proxy; everything else is the service's.
CLICKS = """
const find = async (selector) => {
  for (;;) {
    const found = document.querySelector(selector);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
const type = async (selector, text) => {
  const field = await find(selector);
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
};
(async () => {
  const click = async (selector) => {
    (await find(selector)).click();
  };
  await click(".auth-wrapper .btn.authorize");
  await type("#oauth_username", "EMAIL");
  await type("#oauth_password", "PASSWORD");
  await click(".auth-btn-wrapper .btn.authorize");
  await find("[aria-label='Remove authorization']");
  await click(".btn-done");
  await click("[id$=users_list] .opblock-summary-control");
  await click("[id$=users_list] .try-out__btn");
  await click("[id$=users_list] .execute");
  const status = await find("[id$=users_list] .live-responses-table tbody .response-col_status");
  await fetch("/clicked?status=" + status.textContent.trim().slice(0, 3));
})();
"""


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on to `target`, and adds the clicks to the script that starts Swagger."""

    target = ""

    statuses: queue.SimpleQueue[str] = queue.SimpleQueue()

    def do_GET(self) -> None:
        if self.path.startswith("/clicked?status="):
            self.statuses.put(self.path[-3:])
        self._pass_on(None)

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _pass_on(self, body: bytes | None) -> None:
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in ("host", "accept-encoding")
        }
        answer = httpx2.request(self.command, self.target + self.path, content=body, headers=headers, timeout=PATIENCE)
        content = answer.content
        if self.path.endswith("swagger-start.js"):
            content += CLICKS.replace("EMAIL", EMAIL).replace("PASSWORD", PASSWORD).encode()
        self.send_response(answer.status_code)
        for name in ("Content-Type", "Content-Security-Policy", "WWW-Authenticate"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def proxied(database: str) -> Iterator[str]:
    """The address of the service, by way of the proxy."""
    with running(database, measured=False) as service:
        Proxy.target = service.url
        server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        server.server_close()


def browse(url: str, folder: Path) -> str:
    """Return the status of the call that the clicks make."""
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0")
    command = [str(CHROMIUM), *options, f"--user-data-dir={folder / 'profile'}", url]
    with (folder / "browser.log").open("wb") as log:
        browser = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent)
    try:
        return Proxy.statuses.get(timeout=PATIENCE)
    finally:
        browser.terminate()
        browser.wait(PATIENCE)


def clicked(database: str, folder: Path, *roles: str) -> str:
    python = str(ROOT / ".venv" / "bin" / "python")
    command = [python, "-m", "app", "user", "create", "--email", EMAIL, *(f"--role={role}" for role in roles)]
    environment = {**os.environ, "DATABASE_URL": database}
    subprocess.run(command, cwd=ROOT, env=environment, input=PASSWORD, text=True, check=True)
    with proxied(database) as url:
        return browse(f"{url}/docs", folder)


@pytest.mark.parametrize(("role", "status"), [("admin", "200"), ("member", "403")])
async def test_authorize_and_call(own_database: str, tmp_path: Path, role: str, status: str) -> None:
    assert await asyncio.to_thread(clicked, own_database, tmp_path, role) == status
