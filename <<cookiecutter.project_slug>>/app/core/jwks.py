"""The identity provider's public keys: fetched without blocking, once at a time, and kept when it is down."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from app.core.exceptions import Unavailable

if TYPE_CHECKING:
    import httpx2

FRESH_SECONDS = 300
# A token with an unknown key may be the first after a rotation, or the thousandth forgery.
REFETCH_SECONDS = 30
FIRST_RETRY_SECONDS = 1.0
FETCH_TIMEOUT_SECONDS = 3.0
MAX_BYTES = 256 * 1024
MAX_KEYS = 64
MIN_RSA_BITS = 2048  # RFC 7518, 3.3 and 3.5

log = structlog.get_logger("app.jwks")


class KeySet:
    """JWKS (RFC 7517) of one URL."""

    def __init__(self, url: str, algorithms: list[str], *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.url = url
        self.algorithms = algorithms
        self.transport = transport
        self._keys: dict[tuple[str | None, str], Any] | None = None
        self._asked = self._loaded = float("-inf")
        self._fetch: asyncio.Task[None] | None = None

    async def get(self, kid: str | None, algorithm: str) -> Any:
        """The key, or None when the provider has no such one. Raises Unavailable when there never was an answer."""
        now = monotonic()
        if self._keys is None:
            if now - self._asked > FIRST_RETRY_SECONDS or self._is_fetching():
                await self._refresh()
        elif now - self._loaded > FRESH_SECONDS and now - self._asked > REFETCH_SECONDS:
            self._start()  # the old keys serve meanwhile, and go on when the provider is down
        if self._keys is None:
            raise Unavailable(
                "The identity provider's keys cannot be had. Try again in a moment.",
                code="keys_unavailable",
                retry_after=2,
            )
        key = self._find(kid, algorithm)
        if key is None and monotonic() - self._asked > REFETCH_SECONDS:
            await self._refresh()
            key = self._find(kid, algorithm)
        return key

    def _find(self, kid: str | None, algorithm: str) -> Any:
        keys = self._keys or {}
        if kid is not None:
            return keys.get((kid, algorithm))
        # Without a kid the key must be the only one that fits.
        fitting = [key for (_, name), key in keys.items() if name == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    def _is_fetching(self) -> bool:
        return self._fetch is not None and not self._fetch.done()

    def _start(self) -> asyncio.Task[None]:
        if self._fetch is None or not self._is_fetching():
            self._fetch = asyncio.create_task(self._load())
        return self._fetch

    async def _refresh(self) -> None:
        """Wait for the one fetch under way. A caller that goes away does not end it for the others."""
        await asyncio.shield(self._start())

    async def _load(self) -> None:
        self._asked = monotonic()
        try:
            self._keys = parse_keys(await self._download(), self.algorithms)
            self._loaded = monotonic()
        except Exception as error:
            log.warning("JWKS not fetched", url=self.url, error=repr(error), stale=self._keys is not None)

    async def _download(self) -> bytes:
        import httpx2  # 15 ms of a start that does not need it

        async with (
            httpx2.AsyncClient(timeout=FETCH_TIMEOUT_SECONDS, transport=self.transport) as client,
            client.stream("GET", self.url, headers={"Accept": "application/json"}) as response,
        ):
            response.raise_for_status()
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ValueError(f"larger than {MAX_BYTES} bytes")
            return bytes(body)


def parse_keys(body: bytes, algorithms: list[str]) -> dict[tuple[str | None, str], Any]:
    """Keys by kid and algorithm; others are left out. Raises ValueError or KeyError when none is left."""
    import jwt

    keys: dict[tuple[str | None, str], Any] = {}
    for entry in orjson.loads(body)["keys"][:MAX_KEYS]:
        if entry.get("use", "sig") != "sig" or entry.get("kty") == "oct":
            continue
        for algorithm in [entry["alg"]] if entry.get("alg") else algorithms:
            if algorithm not in algorithms:
                continue
            try:
                key = jwt.PyJWK.from_dict(entry, algorithm).key
            except jwt.PyJWTError:
                continue  # a key of another type: RSA for an ES algorithm
            if not is_short_rsa(key, algorithm):
                keys[(entry.get("kid"), algorithm)] = key
    if not keys:
        raise ValueError(f"no key for {', '.join(algorithms)}")
    return keys


def is_short_rsa(key: Any, algorithm: str) -> bool:
    """Whether somebody with enough machines could sign in the provider's name."""
    return algorithm[:2] in ("RS", "PS") and key.key_size < MIN_RSA_BITS
