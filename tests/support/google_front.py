"""A network and an API that fail: in front of the Admin API, it throttles, refuses a token, or cuts the connection."""

import http.client
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.support.answering import Quiet

HOP = ("host", "connection", "accept-encoding", "content-length")
REASONS = {
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token."),
    429: ("RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Write requests' and limit 'per minute per region'"),
}


class GoogleFront:
    """Use as a context. `answered`: statuses that it gave instead of the API; `writes`: requests that reached it.

    `every`: that part of the requests is throttled (1: all, 3: every third one), with `Retry-After: pause`.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.answered, self.writes, self.requests = Counter[int](), Counter[str](), 0
        self.every, self.pause, self.expired = 0, 1, False
        self.mutex, self.connected = threading.Lock(), threading.Event()
        self.connected.set()
        self._server = self._listen(0)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.connected.set()
        self._close()

    def refuse(self, seconds: float) -> None:
        """Refuse connections for so long."""
        self.cut()
        time.sleep(seconds)
        self.reconnect()

    def cut(self) -> None:
        """Refuse connections until `reconnect`."""
        self._close()

    def reconnect(self) -> None:
        self._server = self._listen(self.port)

    def hang(self, seconds: float) -> None:
        """Answer nothing for so long; what was sent meanwhile arrives late, as lost packets do that are sent again."""
        self.connected.clear()
        time.sleep(seconds)
        self.connected.set()

    def status(self) -> int:
        """Return the status to answer with instead of the API; 0 for none."""
        with self.mutex:
            self.requests += 1
            throttled = bool(self.every) and self.requests % self.every == 0
            status = 401 if self.expired else 429 if throttled else 0
            self.answered.update([status] if status else [])
            return status

    def _listen(self, port: int) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        return server

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(Quiet):
            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                front.connected.wait()
                if status := front.status():
                    reason, message = REASONS[status]
                    error = {"error": {"code": status, "message": message, "status": reason}}
                    again = {"Retry_After": str(front.pause)} if status == 429 else {}
                    return self.answer(status, json.dumps(error).encode(), Content_Type="application/json", **again)
                if self.command != "GET":
                    front.writes[f"{self.command} {self.path.rpartition('/namespaces/')[2].partition('/')[2]}"] += 1
                connection = http.client.HTTPConnection(front.upstream.hostname or "", front.upstream.port, timeout=120)
                kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
                connection.request(self.command, self.path, body or None, kept)
                found = connection.getresponse()
                content = found.read()
                connection.close()
                return self.answer(found.status, content, Content_Type=found.getheader("Content-Type") or "")

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

        return Handler
