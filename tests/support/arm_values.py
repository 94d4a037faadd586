"""Parts of the Azure of the tests: images, revisions, blobs, and answers."""

import copy
import threading
import time
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
START_SECONDS, OPERATION_SECONDS, RESTART_SECONDS, JOB_SECONDS = 0.3, 0.3, 0.3, 0.3
DOMAIN = "happysea.westeurope.azurecontainerapps.io"
WORKSPACE = "11111111-2222-3333-4444-555555555555"


@dataclass
class Image:
    """The behaviour of a version.

    `exits`: with this code at its start, for `reason`; `migrates`: exit code of its migration; `errors`: share of its
    answers.
    """

    schema: str
    exits: int | None = None
    reason: str = "ProcessExited"
    ready: bool = True
    migrates: int = 0
    errors: float = 0.0
    line: str = "Started server process"


@dataclass
class Revision:
    name: str
    template: Object
    image: Image
    began: float = field(default_factory=time.monotonic)
    active: bool = True
    requests: int = 0
    errors: int = 0

    @property
    def age(self) -> float:
        return time.monotonic() - self.began - START_SECONDS

    @property
    def serves(self) -> bool:
        return self.active and self.age > 0 and self.image.ready and self.image.exits is None

    @property
    def restarts(self) -> int:
        return int(self.age / RESTART_SECONDS) if self.image.exits is not None and self.age > 0 else 0


@dataclass
class Blobs:
    found: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0

    def put(self, path: str, content: bytes, match: str, none_match: str) -> int:
        with self.lock:
            tag = self.found.get(path, (b"", ""))[1]
            if (none_match == "*" and tag) or (match and match != tag):
                return 409 if none_match else 412
            self.count += 1
            self.found[path] = content, f'"0x{self.count}"'
            return 201


class Refused(Exception):
    """An answer in the form of Azure Resource Manager."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    @property
    def body(self) -> Object:
        return {"error": {"code": self.code, "message": self.message}}


@dataclass
class Answer:
    status: int
    body: Object | None = None
    operation: str = ""  # of a long-running one
    by_status: bool = False


def merged(live: Object, patch: Object) -> Object:
    """JSON merge patch: objects are merged, everything else is replaced."""
    found = copy.deepcopy(live)
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
            continue
        below = found.get(key)
        found[key] = merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return found
