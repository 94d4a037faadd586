"""The picture of a page in a browser: headless Chromium renders it, and a script in it draws the result as SVG."""

import http.server
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).with_suffix(".js")
SIZE = "1200,1180"


def browser() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def draw(address: str, path: str) -> str:
    """Return an SVG document of a page such as `/docs`. Raises SystemExit without a result of the browser."""
    with with_script(address, path) as shown, tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        options += [f"--window-size={SIZE}", "--virtual-time-budget=20000", "--dump-dom", f"{shown}{path}"]
        done = subprocess.run([str(browser()), *options], capture_output=True, text=True, check=False, timeout=300)
    found = re.search(r"<svg xmlns.*</svg>", done.stdout, re.DOTALL)
    if not found:
        raise SystemExit(f"Chromium did not draw {path} (exit code {done.returncode}):\n{done.stderr[-2000:]}")
    return found[0].replace("&nbsp;", "&#160;").replace("\u200b", "") + "\n"  # where a path may be broken


def texts(picture: str) -> list[str]:
    return re.findall(r"<text [^>]*>(.*?)</text>", picture)


@contextmanager
def with_script(address: str, path: str) -> Iterator[str]:
    """Serve the same site with the script in one of its pages. Yields its address."""

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with urllib.request.urlopen(f"{address}{self.path}", timeout=60) as answer:  # noqa: S310  # a local service
                body, kind = answer.read(), answer.headers["Content-Type"]
            if self.path == path:
                body = body.replace(b"</body>", b"<script>" + SCRIPT.read_bytes() + b"</script></body>")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
