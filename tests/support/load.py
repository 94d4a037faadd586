"""Clients that notice every failed request: keep-alive and new connections, reads and writes, no retry."""

import http.client
import json
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Load:
    """`rate` requests a second in all, from `threads` clients; `host`: of a proxy's route.

    Use as a context; then read `sent` and `failures`.
    """

    def __init__(
        self,
        url: str,
        rate: float = 120,
        threads: int = 6,
        path: str = "/api/v1/products",
        token: str = "",
        host: str = "",
    ) -> None:
        parts = urlsplit(url)
        self.host, self.port, self.path = parts.hostname or "", parts.port or 80, path
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.headers |= {"Host": host} if host else {}
        self.pause = threads / rate
        self.sent, self.failures = 0, Counter[str]()
        self.slowest = 0.0
        self._stop, self._mutex = threading.Event(), threading.Lock()
        self._threads = [
            threading.Thread(target=self._client, args=(number,), daemon=True) for number in range(threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _client(self, number: int) -> None:
        """Even ones keep their connection, odd ones make a new one each time; every fifth request writes."""
        keep, turn = number % 2 == 0, 0
        connection: http.client.HTTPConnection | None = None
        due = time.monotonic()
        while not self._stop.is_set():
            turn += 1
            began = time.monotonic()
            if connection is None:
                connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
            try:
                closing = self._ask(connection, write=turn % 5 == 0)
            except (OSError, http.client.HTTPException) as error:
                self._failed(f"{type(error).__name__} ({'kept' if keep and turn > 1 else 'new'} connection)")
                closing = True
            if closing or not keep:
                connection.close()
                connection = None
            with self._mutex:
                self.sent += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
            due = max(due + self.pause, time.monotonic() - 1)
            self._stop.wait(max(0.0, due - time.monotonic()))
        if connection:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, *, write: bool) -> bool:
        """True when the server asks to close, which does not count as a failure."""
        if write:
            body = json.dumps({"name": "Lamp", "price": "9.50"})
            connection.request("POST", self.path, body, {"Content-Type": "application/json", **self.headers})
        else:
            connection.request("GET", f"{self.path}?limit=5", headers=self.headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (200, 201):
            self._failed(f"status {answer.status}")
        return answer.will_close

    def _failed(self, what: str) -> None:
        with self._mutex:
            self.failures[what] += 1
