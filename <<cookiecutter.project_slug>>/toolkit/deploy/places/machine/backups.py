"""Backups of the accessory: files of pg_dump on its host, each with a JSON file beside it that makes it count."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Change, Failed, Plan, fail
from toolkit.deploy.places.backups import Backup
from toolkit.deploy.places.machine.accessory import NAME, name_of

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.accessory import Accessory
    from toolkit.deploy.process import Done

FOLDER = "backups"
SECONDS = 4 * 3600  # for one step; the lock is checked before and after it
SCRATCH, REPLACED = f"{NAME}_new", f"{NAME}_replaced"
BROKEN = 9  # exit code of a backup that cannot be restored
# `pg` runs a program in the container; $1: the folder, $2: the container, $3: the backup's number.
HEAD = f"""
set -eu; umask 077
mkdir -p "$1"; cd "$1"
exec 8>lock  # the script of a killed deployer may still run
flock -w 10 8 || {{ echo "another backup or restore is running on the host" >&2; exit 1; }}
pg() {{ program=$1; shift; docker exec -i $container "$program" -U {NAME} "$@"; }}
container=$2; dump=$(printf %06d "$3").dump
sum_of() {{ sha256sum "$1" | cut -d' ' -f1; }}
scratch() {{ pg dropdb --if-exists --force {SCRATCH} </dev/null; }}
load() {{
  scratch; pg createdb -T template0 {SCRATCH} </dev/null
  pg pg_restore --exit-on-error -d {SCRATCH} < "$1" || {{ scratch; exit ${{broken:-1}}; }}
}}
"""
MAKE = f"""
trap 'rm -f *.new' EXIT; rm -f *.new
pg pg_dump -Fc -d {NAME} </dev/null > "$dump.new"
load "$dump.new"
query="select string_agg(version_num, ',') from alembic_version"
schema=$(pg psql -d {SCRATCH} -Atc "$query" </dev/null 2>/dev/null || true)
scratch
mv "$dump.new" "$dump"; sync "$dump"
echo "$(stat -c %s "$dump") $(sum_of "$dump") $(date -u +%Y-%m-%dT%H:%M:%S+00:00) $schema"
"""  # noqa: S608 - constants
# $4: its checksum.
LOAD = f"""
[ "$(sum_of "$dump")" = "$4" ] || {{ echo "its checksum is not the recorded one" >&2; exit {BROKEN}; }}
broken={BROKEN}
load "$dump"
pg psql -q -d {SCRATCH} -c analyze </dev/null
"""
# Renaming needs a database without connections. In one transaction, so that there is always one of this name; a
# connection that begins between its statements makes it fail, and it is tried again.
SWAP = f"""
pg dropdb --if-exists --force {REPLACED} </dev/null
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  pg psql -q -d postgres -v ON_ERROR_STOP=1 --single-transaction -o /dev/null \\
    -c "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{NAME}'" \\
    -c "alter database {NAME} rename to {REPLACED}" -c "alter database {SCRATCH} rename to {NAME}" </dev/null && exit 0
  sleep 0.2
done
scratch; exit 1
"""  # noqa: S608 - constants


def parsed(lines: str) -> list[Backup]:
    """Return the backups in these JSON lines, the oldest first; other lines are skipped. Pure."""
    found = []
    for line in lines.splitlines():
        try:
            content: dict[str, Any] = json.loads(line)
            found.append(Backup(**{name: content[name] for name in Backup.__dataclass_fields__}))
        except (KeyError, ValueError, TypeError):
            continue
    return sorted(found, key=lambda backup: backup.number)


def files(backup: Backup) -> tuple[str, str]:
    """Return its files; the first makes it count, so it is written last and deleted first."""
    return f"{FOLDER}/{backup.number:06}.json", f"{FOLDER}/{backup.number:06}.dump"


def superseded(found: Sequence[Backup], keep: int) -> Sequence[Backup]:
    """Return the backups to delete: all but the newest `keep`. Pure."""
    return found[:-keep]


def refusal(what: str, container: str, environment: str, done: Done) -> Failed:
    """Return the failure for a script that failed. Pure."""
    lines = [line for line in done.err.splitlines() if line.strip() and not line.startswith("NOTICE:")][-5:]
    if "no space left" in done.err.lower():  # the host's programs begin with a capital, Docker does not
        hint = "free some space on the host: `docker system df` shows its use; a lower `database.backups` helps too"
        return fail("DISK_FULL", f"{what} failed: the host's disk is full", *lines, hint=hint)
    if "No such container" in done.err or "is not running" in done.err:
        return missing(container, environment)
    if done.code == BROKEN:
        hint = f"choose another one: `python3 tasks.py backups {environment}` lists them"
        return fail("BACKUP_BROKEN", f"{what} failed: the backup cannot be restored", *lines, hint=hint)
    return fail("BACKUP_FAILED", f"{what} failed", *lines, hint=f"`docker logs {container}` on the host has more")


def missing(container: str, environment: str) -> Failed:
    hint = f"`python3 tasks.py deploy {environment}` creates or starts it"
    return fail("NO_DATABASE", f"the database's container {container} does not run", hint=hint)


class MachineBackups:
    """Implements `Backups` for an accessory."""

    def __init__(self, accessory: Accessory, environment: str) -> None:
        self.accessory, self.machine, self.environment = accessory, accessory.machine, environment

    def listed(self) -> list[Backup]:
        return parsed(self.machine.connection.run(f"cat {self.machine.folder}/{FOLDER}/*.json 2>/dev/null").out)

    def make(self, reason: str) -> Backup:
        found = self.listed()
        number = max((backup.number for backup in found), default=0) + 1
        done = self._run(MAKE, number, "the backup")
        size, checksum, at, *schema = done.out.split()
        made = Backup(number, at, int(size), checksum, " ".join(schema), reason)
        self.machine.write(files(made)[0], json.dumps(asdict(made)) + "\n")
        for old in superseded([*found, made], self.accessory.given.backups):
            self.machine.remove(files(old))
        return made

    def restoration(self, number: int) -> tuple[Backup, Plan]:
        live, found = self.machine.engine.inspect(self.accessory.name), self.listed()
        if live is None or not live.running:
            raise missing(self.accessory.name, self.environment)
        chosen = next((backup for backup in found if backup.number == number), None)
        if chosen is None:
            have = ", ".join(str(backup.number) for backup in found) or "none"
            latest = f"restore {self.environment} {found[-1].number}" if found else f"backup {self.environment}"
            hint = f"`python3 tasks.py {latest}`"
            raise fail("NO_BACKUP", f"backup {number} does not exist", f"backups: {have}", hint=hint)
        change = Change("update", f"database {NAME} in {self.accessory.name} to backup {number} of {chosen.at}")
        note = f"what was written since that backup is lost to the service, and stays in database {REPLACED}"
        return chosen, Plan((change,), note=f"{note} until the next restore")

    def restore(self, backup: Backup) -> str:
        self._run(LOAD, backup.number, f"the restore of backup {backup.number}", backup.checksum)
        self._run(SWAP, backup.number, "the exchange of the databases")
        return f"backup {backup.number} of {backup.at}; the replaced data is in database {REPLACED}"

    def _run(self, script: str, number: int, what: str, *more: str) -> Done:
        self.machine.changes.allow()
        values = (f"{self.machine.folder}/{FOLDER}", name_of(self.machine.project), str(number), *more)
        done = self.machine.connection.run(f"set -- {shlex.join(values)}\n{HEAD}{script}", seconds=SECONDS)
        if done.code:
            raise refusal(what, self.accessory.name, self.environment, done)
        return done
