"""The deploy lock: a Lease of the cluster, acquired by compare-and-swap on its resourceVersion, renewed by a thread."""

from __future__ import annotations

import copy
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Exit, Failed, Failure, fail
from toolkit.deploy.places.holder import identity, is_gone
from toolkit.deploy.places.kubernetes.retry import NotFound, WriteConflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.objects import Object

API = "coordination.k8s.io/v1"
POLL_SECONDS = 0.5


def clear_orphan(cluster: Cluster, service: str) -> bool:
    """Delete the lock of a killed deployer of this host; True if there was one."""
    live = cluster.get(API, "Lease", f"deploy-{service}")
    if live is None or not is_gone(_holder(live)):
        return False
    with suppress(WriteConflict):
        cluster.delete(API, "Lease", f"deploy-{service}", version=live["metadata"]["resourceVersion"])
    return True


class Lease:
    """The lock, as a context. Raises Failed LOCKED (exit 5) on entry if another deployer has it; `hold`, LEASE_LOST."""

    def __init__(self, cluster: Cluster, service: str, seconds: int, run_url: str = "") -> None:
        self.cluster = copy.copy(cluster)  # the thread writes while the play only reads
        self.cluster.guard = None
        self.cluster.patience = seconds / 2
        self.name, self.seconds, self.me = f"deploy-{service}", seconds, identity(run_url)
        self._version, self._renewed = "", 0.0
        self._lost = ""
        self._stop = threading.Event()
        self._mutex = threading.Lock()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="lease")

    def __enter__(self) -> Lease:
        self._acquire()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(self.seconds)
        with suppress(Failed, WriteConflict, NotFound, AssertionError):
            live = self.cluster.get(API, "Lease", self.name)
            if live and _holder(live) == self.me:
                self.cluster.delete(API, "Lease", self.name, version=live["metadata"]["resourceVersion"])

    def hold(self) -> None:
        """Check before each change that the lock is still ours, by reading it (a sleeping laptop stops all clocks)."""
        with self._mutex:
            live = self.cluster.get(API, "Lease", self.name)
            if live is None or _holder(live) != self.me or self._lost:
                raise _lost(self._lost or (_holder(live) if live else "no holder (it was deleted)"))
            if time.monotonic() - self._renewed > self.seconds / 2:
                self._renew(live)

    def _acquire(self) -> None:
        previous, since, first = "", time.monotonic(), True
        while True:
            live = self.cluster.get(API, "Lease", self.name)
            if live is None:
                if self._try(self.cluster.create, self._body(None)):
                    return
                continue
            holder = _holder(live)
            if holder == self.me:  # our own write, whose response was lost
                self._took(live)
                return
            version = live["metadata"]["resourceVersion"]
            if version != previous and not first:
                raise _locked(live)
            if not holder or is_gone(holder) or time.monotonic() - since > _ttl(live):
                if self._try(self.cluster.replace, self._body(live)):
                    return
                previous, first = "", True
                continue
            previous, first = version, False
            time.sleep(POLL_SECONDS)

    def _try(self, write: Callable[[Object], Object], body: Object) -> bool:
        try:
            self._took(write(body))
        except (WriteConflict, NotFound):
            return False
        return True

    def _took(self, live: Object) -> None:
        self._version, self._renewed = live["metadata"]["resourceVersion"], time.monotonic()

    def _body(self, live: Object | None) -> Object:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # six digits, as the API server requires
        spec = (live or {}).get("spec", {})
        metadata: dict[str, Any] = {"name": self.name, "namespace": self.cluster.namespace}
        if live:
            # PUT recreates a deleted Lease whatever its version (AllowCreateOnUpdate), but not with a uid.
            metadata |= {key: live["metadata"][key] for key in ("resourceVersion", "uid")}
        mine = _holder(live or {}) == self.me
        return {
            "apiVersion": API,
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": self.me,
                "leaseDurationSeconds": self.seconds,
                "acquireTime": spec.get("acquireTime", now) if mine else now,
                "renewTime": now,
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (0 if mine or not live else 1),
            },
        }

    def _keep(self) -> None:
        while not self._stop.wait(self.seconds / 4):
            try:
                with self._mutex:
                    live = self.cluster.get(API, "Lease", self.name)
                    if live is None or _holder(live) != self.me:
                        self._lost = _holder(live) if live else "no holder (it was deleted)"
                        return
                    self._renew(live)
            except (WriteConflict, NotFound, Failed):
                continue  # the next check finds out

    def _renew(self, live: Object) -> None:
        try:
            self._took(self.cluster.replace(self._body(live)))
        except (WriteConflict, NotFound):
            now = self.cluster.get(API, "Lease", self.name)
            if now is None or _holder(now) != self.me:
                raise _lost("another deployer") from None
            self._took(now)  # our own write, whose response was lost


def _holder(live: Object) -> str:
    return live.get("spec", {}).get("holderIdentity") or ""


def _ttl(live: Object) -> float:
    return float(live.get("spec", {}).get("leaseDurationSeconds") or 60)


def _locked(live: Object) -> Failed:
    spec = live["spec"]
    return fail(
        "LOCKED",
        f"another deploy is running: {_holder(live)}",
        f"since {spec.get('acquireTime', '?')}, last renewed {spec.get('renewTime', '?')}",
        hint="wait for it to end; the lock of a killed deployer expires with its lease",
        exit=Exit.LOCKED,
    )


def _lost(holder: str) -> Failed:
    message = f"the deploy lock was taken over by {holder}"
    hint = "nothing was changed since; check `python3 tasks.py history ENV`, then deploy again"
    return Failed(Failure("LEASE_LOST", message, (), hint), Exit.LOCKED)
