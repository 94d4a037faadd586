"""An API server that fails: a proxy in front of the real one that answers some calls with 5xx and 429, or cuts them."""

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

KINDS = ("500", "503", "429", "cut", "lost")
Choose = Callable[[str, str], str]


def by_chance(share: float, seed: int = 7) -> Choose:
    """`share` of the calls fail, in every way."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    return lambda _method, _path: chance.choice(KINDS) if chance.random() <= share else ""


class FaultyApi:
    """In front of `kubectl proxy` on `upstream`. While `failing`, `choose(method, path)` names a fault."""

    def __init__(self, upstream: int, choose: Choose) -> None:
        self.upstream, self.choose, self.mutex = upstream, choose, threading.Lock()
        self.failing, self.faults = True, Counter[str]()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "FaultyApi":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.server.shutdown()
        self.server.server_close()

    def fault(self, method: str, path: str) -> str:
        with self.mutex:
            kind = self.choose(method, path) if self.failing else ""
            self.faults.update(filter(None, [kind]))
            return kind

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                fault = api.fault(self.command, self.path.partition("?")[0])
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if fault == "cut":
                    self.close_connection = True
                    return
                if fault and fault != "lost":
                    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": int(fault)}
                    self.reply(int(fault), json.dumps(status).encode(), {"Retry-After": "1"} if fault == "429" else {})
                    return
                connection = http.client.HTTPConnection("127.0.0.1", api.upstream, timeout=60)
                kept = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in ("host", "connection", "accept-encoding")
                }
                connection.request(self.command, self.path, body or None, kept)
                found = connection.getresponse()
                content = found.read()
                connection.close()
                if fault == "lost":  # done, but nobody hears of it
                    self.close_connection = True
                    return
                self.reply(
                    found.status,
                    content,
                    {"Content-Type": found.getheader("Content-Type") or "", "Date": found.getheader("Date") or ""},
                )

            def reply(self, status: int, content: bytes, headers: dict[str, str]) -> None:
                self.send_response_only(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
