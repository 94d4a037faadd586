"""Revisions written into a checkout, and images that have them."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, TypeVar

from tests.support import variants
from tests.support.cloudrun import CloudRunStage
from tests.support.machines import MachineStage
from tests.support.stage import Stage

AuthorStage: TypeAlias = Stage | MachineStage | CloudRunStage
AnyStage = TypeVar("AnyStage", bound=AuthorStage)

REVISION = '''"""{name}"""
import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = "{down}"


def upgrade() -> None:
    {up}


def downgrade() -> None:
    pass
'''
# The image's modules are compiled without a check of their sources (Dockerfile).
CODE = """USER 0
COPY app /service/app
RUN python -m compileall -q -f --invalidation-mode unchecked-hash app
USER 10001:10001
"""


def checkout(stage: AnyStage, folder: Path) -> AnyStage:
    """Return the stage with a checkout of its own, to write revisions in, and with its own images."""
    project = folder / "shop"
    shutil.copytree(stage.project, project, symlinks=True, ignore=shutil.ignore_patterns(".dev"))
    return replace(stage, project=project, images=replace(stage.images, digests=dict(stage.images.digests)))


def write(stage: AuthorStage, name: str, up: str, down: str = "", marker: str = "") -> None:
    """Write a revision on top of `down`, by default of what the database is at."""
    down = down or stage.sql("select version_num from alembic_version")
    text = REVISION.format(name=name, down=down, up=up.replace('"product"', f'"{table(stage)}"'))
    (stage.project / "alembic" / "versions" / f"{name}.py").write_text(f"{marker}\n{text}" if marker else text)


def image_at(stage: AuthorStage, head: str, on_top: str = "", code: Path | None = None) -> str:
    """An image with the checkout's revisions, called as the head that its label names. `code`: another service's."""
    folder = stage.project.parent / f"image-{head}"
    folder.mkdir()
    for path in (stage.project / "alembic" / "versions").glob("*.py"):
        shutil.copy(path, folder)
    if code:
        shutil.copytree(code / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    lines = f"COPY *.py /service/alembic/versions/\nLABEL service.schema-head={head}\n{CODE if code else ''}{on_top}"
    variants.layer(stage.images, head, lines, folder)
    return head


def revision(stage: AuthorStage, name: str, up: str, on_top: str = "") -> str:
    """Write a revision into the checkout and an image that has it, called `name`."""
    write(stage, name, up)
    return image_at(stage, name, on_top)


def table(stage: AuthorStage) -> str:
    return stage.sql("select table_name from information_schema.tables where table_name like 'product%' limit 1")
