"""A stage on a machine whose database is the toolkit's own accessory."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.support.machines import MachineStage, clear, free_port
from tests.support.stage import POSTGRES


@dataclass
class AccessoryStage(MachineStage):
    """`database`: not used; DATABASE_URL is not set."""

    more: tuple[str, ...] = ("database.accessory=postgres", "database.version=17", f"database.image={POSTGRES}")

    @contextmanager
    def fresh(self) -> Iterator["AccessoryStage"]:
        """This stage in a project of its own, without a database; gone afterwards."""
        made = replace(self, name=f"test-{uuid.uuid4().hex[:8]}", port=free_port())
        try:
            yield made
        finally:
            clear(made.hosts[0], made.name)

    @property
    def variables(self) -> dict[str, str]:
        return {name: value for name, value in self.environment.items() if name != "DATABASE_URL"}

    @property
    def container(self) -> str:
        return f"{self.name}-postgres"

    def sql(self, statement: str) -> str:
        return self.psql("app", statement)

    def psql(self, database: str, statement: str) -> str:
        quoted = statement.replace("'", "'\\''")
        return self.hosts[0].run(f"docker exec {self.container} psql -U app -d {database} -Atc '{quoted}'").strip()

    def lose_database(self) -> None:
        """Remove the container and its volume, as a lost disk would."""
        self.hosts[0].run(f"docker rm -f {self.container} && docker volume rm {self.container}")
