"""A platform in memory, and the place on it, for the tables of this folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolkit.deploy.inventory.traffic import TrafficEnvironment
from toolkit.deploy.outcomes import Change, Failed, Failure
from toolkit.deploy.places.changes import Changes
from toolkit.deploy.places.traffic import names, targets
from toolkit.deploy.places.traffic.operations import TrafficOperations
from toolkit.deploy.places.traffic.place import TrafficPlace
from toolkit.deploy.places.traffic.targets import Traffic
from toolkit.deploy.places.values import Finding
from toolkit.deploy.records import GOOD, Kept, ReleaseRecord
from toolkit.deploy.report import Report
from toolkit.deploy.spec import ReleaseSpec

GIVEN = {
    "name": "staging",
    "repository": "registry/shop",
    "place": "cloudrun",
    "driver": "api",
    "secret": {"store": "google", "keys": {"DATABASE_URL": "database"}},
}


class Environment(TrafficEnvironment):
    @property
    def scope(self) -> str:
        return "here/shop"


@dataclass
class Revision:
    name: str
    digest: str
    is_ready: bool = True


@dataclass
class Live:
    traffic: Traffic
    url: str = "https://shop"

    @property
    def asked(self) -> Traffic:
        return self.traffic

    @property
    def serving(self) -> str:
        return targets.serving(self.traffic)


@dataclass
class Platform:
    """`done`: what was asked of it, in order. `error`: of `check_revision`."""

    name: str = "shop"
    live: Live | None = None
    revisions: dict[str, Revision] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    answers: dict[str, object] = field(default_factory=dict)
    error: Failed | None = None

    def get(self) -> Live | None:
        return self.live

    def revision(self, name: str) -> Revision | None:
        return self.revisions.get(name)

    # `Releases`

    def name_of(self, kept: Kept) -> str:
        return f"shop-{kept['digest']}"

    def release(self, kept: Kept, *, has_served: bool = False, fresh: bool = False) -> str:
        name = self.name_of(kept)
        self.done.append(f"release {name} {has_served=} {fresh=}")
        self.revisions.setdefault(name, Revision(name, kept["digest"]))
        self.live = Live(targets.settled(name))
        return name

    def start_candidate(self, kept: Kept) -> str:
        return self.name_of(kept)

    def divide(self, traffic: Traffic) -> None:
        self.done.append(f"divide {targets.shown(traffic)}")
        self.live = Live(traffic)

    def check_revision(self, revision: str) -> None:
        if self.error:
            raise self.error

    def ask_tag(self, tag: str, path: str) -> object:
        return self.answers.get(path)

    def text_at_tag(self, tag: str, path: str) -> str:
        return ""


@dataclass
class Ledger:
    text: str = ""
    found: list[ReleaseRecord] = field(default_factory=list)

    def read(self) -> str:
        return self.text

    def swap(self, before: str, after: str) -> bool:
        self.text = after
        return True

    def records(self) -> list[ReleaseRecord]:
        return list(self.found)

    def add(self, record: ReleaseRecord) -> ReleaseRecord:
        self.found.append(record)
        return record

    def remove(self, gone: Sequence[ReleaseRecord]) -> None:
        self.found = [record for record in self.found if record not in gone]


@dataclass
class Secrets:
    by_variable: Mapping[str, str] = field(default_factory=lambda: {"DATABASE_URL": "3"})

    def add_version(self, variable: str, value: str) -> str:
        return "4"


@dataclass
class Logs:
    def of_revisions(self, names: Sequence[str], lines: int) -> list[str]:
        return [f"{name}  started" for name in names]


@dataclass
class Connection:
    ledger: Ledger = field(default_factory=Ledger)
    secrets: Secrets = field(default_factory=Secrets)
    logs: Logs = field(default_factory=Logs)


class Place(TrafficPlace[Environment, Connection]):
    product = "Clouds"
    unanswered_hint = "look at the sky"
    described = "a cloud"
    platform = Platform()

    @property
    def rollout(self) -> Platform:
        return self.platform

    def rendered(self, spec: ReleaseSpec, versions: Mapping[str, str]) -> Kept:
        return web(spec.digest)

    def processes(self, web: Kept) -> tuple[Kept, ...]:
        return ({"kind": "Job", "process": "nightly"},)

    def apply_processes(self, processes: Sequence[Kept]) -> None:
        self.platform.done.append(f"processes {[item['process'] for item in processes]}")

    def is_revision_of(self, name: str, kept: Kept) -> bool:
        return names.is_attempt(name, self.platform.name_of(kept))

    def ask(self, path: str) -> object:
        return self.platform.answers.get(path)

    def check_permissions(self) -> Finding:
        return Finding(True, "all")


class Operations(TrafficOperations[Place]):
    remains = "the database"
    database_hint = "a tunnel of another program"
    shell_hint = "a shell of another program"

    def set_count(self, kept: Kept, count: int) -> None:
        kept["count"] = count

    def deletions(self) -> list[Change]:
        return [Change("delete", "service shop")]

    def delete(self, kind: str, name: str) -> None:
        self.place.platform.done.append(f"delete {kind} {name}")


def web(digest: str = "a") -> Kept:
    return {"kind": "Service", "digest": digest, "count": 1}


def record(number: int, digest: str, verdict: str = GOOD) -> ReleaseRecord:
    return ReleaseRecord(number, digest, f"shop@{digest}", verdict, "api", objects=(web(digest),))


def place(platform: Platform, *records: ReleaseRecord, error: Failed | None = None, **keys: Any) -> Place:
    env = Environment.model_validate({**GIVEN, **keys})
    connection = None if error else Connection(Ledger(found=list(records)))
    made = Place(Path(), "shop", env, Report([]), Changes(), connection, error)
    made.platform = platform
    return made


def spec(made: Place, digest: str = "b") -> ReleaseSpec:
    return ReleaseSpec("shop", made.environment, digest)


def crashed() -> Failed:
    return Failed(Failure("CRASH_LOOP", "it crashes", (), ""))
