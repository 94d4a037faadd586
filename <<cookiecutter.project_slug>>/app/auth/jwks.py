"""The identity provider's public keys (JWKS, RFC 7517): fetched without blocking, one fetch at a time.

Three promises: a key that the provider withdraws is accepted for `fresh` seconds at most; a key that it adds is known
at the first token signed with it; while the provider is down, the last keys are used for `stale` seconds at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from app.auth.jwk import Key, Keys, NoKeys, parse_keys
from app.core.exceptions import Unavailable

if TYPE_CHECKING:
    import httpx2

# After this share of `fresh` the keys are refreshed in the background, so that a busy service never waits for them.
EARLY = 0.8
RETRY_SECONDS = 1.0  # after a failure, without usable keys
STALE_RETRY_SECONDS = 10.0  # after a failure, with the last keys still in use
# A token with an unknown key may be the first after a rotation, or one of a thousand forgeries: the provider is asked
# at most once in this time about one key, and about this many keys.
SEARCH_SECONDS = 10.0
SEARCHES = 5
FETCH_TIMEOUT_SECONDS = 3.0
MAX_BYTES = 256 * 1024

log = structlog.get_logger("app.jwks")


class KeySet:
    """Signing keys of one URL. `on_withdrawal` is called when a key is gone or was replaced.

    Until `trusted_until` (monotonic clock) a token verified with these keys needs no other check; after it, call
    `refresh_if_due`.
    """

    def __init__(
        self,
        url: str,
        algorithms: list[str],
        *,
        fresh: float = 300.0,
        stale: float = 3600.0,
        on_withdrawal: Callable[[], None] = lambda: None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url
        self.algorithms = algorithms
        self.fresh = fresh
        self.stale = stale
        self.on_withdrawal = on_withdrawal
        self.transport = transport
        self.trusted_until = float("-inf")
        self._keys: Keys = {}
        self._loaded = self._due = float("-inf")
        self._failed = False
        self._fetch: asyncio.Task[None] | None = None
        self._searched: dict[str | None, float] = {}

    async def get(self, kid: str | None, algorithm: str) -> Key | None:
        """Return the key, or None when the provider does not have it. Raises Unavailable when that cannot be known."""
        await self.refresh_if_due()
        key = self._find(kid, algorithm)
        if key is None and ((self._is_fetching() and not self._failed) or self._may_search(kid)):
            await self._refresh()
            key = self._find(kid, algorithm)
        if key is None and self._failed:
            raise _unavailable()
        return key

    async def refresh_if_due(self) -> None:
        """Refresh the keys if necessary. Raises Unavailable when they are too old, or were never fetched.

        A request waits for the provider only when it must: not while the keys are fresh, nor while the last fetch
        failed and the keys are not stale yet.
        """
        now = monotonic()
        if now >= self._due:
            self._start()
            if now >= self._loaded + (self.stale if self._failed else self.fresh):
                await self._refresh()
        if monotonic() >= self._loaded + self.stale:
            raise _unavailable()

    def _find(self, kid: str | None, algorithm: str) -> Key | None:
        if kid is not None:
            return self._keys.get((kid, algorithm))
        # Without a kid the key must be the only one that fits.
        fitting = [key for (_, name), key in self._keys.items() if name == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    def _may_search(self, kid: str | None) -> bool:
        """Return True if a missing key may be fetched again. After a failure, only as part of a retry."""
        now = monotonic()
        self._searched = {name: at for name, at in self._searched.items() if now - at < SEARCH_SECONDS}
        if kid in self._searched or len(self._searched) >= SEARCHES or (self._failed and not self._is_fetching()):
            return False
        self._searched[kid] = now
        return True

    def _is_fetching(self) -> bool:
        return self._fetch is not None and not self._fetch.done()

    def _start(self) -> asyncio.Task[None]:
        if self._fetch is None or not self._is_fetching():
            self._fetch = asyncio.create_task(self._load())
        return self._fetch

    async def _refresh(self) -> None:
        """Wait for the one fetch in progress. A cancelled caller does not cancel it for the others."""
        await asyncio.shield(self._start())

    async def _load(self) -> None:
        asked = monotonic()
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_SECONDS):
                body = await self._download()
            self._take(parse_keys(body, self.algorithms), asked)
        except Exception as error:
            self._fail(error)
        self.trusted_until = min(self._due, self._loaded + self.stale)

    def _take(self, keys: Keys, asked: float) -> None:
        """Use `keys` from now on. Their age counts from the request: the provider may withdraw one right after it."""
        withdrawn = not self._keys.items() <= keys.items()
        self._keys, self._loaded, self._failed = keys, asked, False
        self._due = asked + EARLY * self.fresh
        if withdrawn:
            self.on_withdrawal()

    def _fail(self, error: Exception) -> None:
        """Continue with the last keys, unless the provider has withdrawn all of them."""
        if isinstance(error, NoKeys):
            self._keys, self._loaded = {}, float("-inf")
            self.on_withdrawal()
        now, end = monotonic(), self._loaded + self.stale
        usable = now < end
        self._failed = True
        self._due = min(now + min(STALE_RETRY_SECONDS, self.fresh), end) if usable else now + RETRY_SECONDS
        log.warning("JWKS not fetched", url=self.url, error=repr(error), last_keys_used=usable)

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


def _unavailable() -> Unavailable:
    return Unavailable(
        "The identity provider's signing keys are unavailable. Try again in a moment.",
        code="keys_unavailable",
        retry_after=2,
    )
