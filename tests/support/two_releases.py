"""Two releases of a service of one models.py: the expand revision of a change, then its contract."""

from tests.support.small_service import SmallService
from toolkit.dev.migrations import outstanding
from toolkit.dev.migrations.intents import NONE, Intents

NAME = 'sa.Column("name", sa.Text(), nullable=False)'


def products(*columns: str) -> str:
    return f"table('products', {', '.join(columns)})\n"


def changed(service: SmallService, before: str, after: str, rows: str, intents: Intents = NONE) -> None:
    """Release the models `before`, write `rows`, and release the expand revision of the models `after`."""
    service.declare(before)
    assert service.new()
    service.upgrade()
    service.sql(rows)
    service.declare(after)
    path = service.new(intents)
    assert path
    findings, reasons = service.judged(path)
    assert not findings + "".join(reasons), path.read_text()
    service.upgrade()
    assert service.differences() == []
    assert service.new() is None  # nothing is left that a second revision would do


def finished(service: SmallService, table: str = "products") -> None:
    """Release the contract revision, go down and up again."""
    ids = {entry.revision for entry in outstanding.read(service.root)}
    path = service.contract()
    assert path
    assert path.read_text().startswith(f"# deploy: contract {', '.join(ids)}\n")
    assert outstanding.read(service.root) == ()
    service.upgrade()
    assert service.differences() == []
    assert service.new() is None
    service.downgrade("-1")
    service.upgrade()
    assert service.differences() == []
    service.sql(f"TRUNCATE {table} CASCADE")  # a row without a value for a dropped field has no way back
    service.downgrade("base")
    service.upgrade()
    assert service.differences() == []


def refused(service: SmallService, models: str) -> None:
    service.new()
    service.declare(models)
    versions = sorted((service.root / "alembic" / "versions").iterdir())
    try:
        service.new()
    finally:
        assert sorted((service.root / "alembic" / "versions").iterdir()) == versions
        for path in versions:
            path.unlink()
