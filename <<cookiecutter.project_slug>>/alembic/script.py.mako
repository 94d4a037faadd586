<%!
def statements(text):
    """Return Alembic's statements without its banner comments; `pass` for an empty revision."""
    kept = (line for line in (text or "").splitlines() if not line.strip().startswith("# ###"))
    return "\n".join(kept).strip() or "pass"
%>\
"""${message}

Revision: ${up_revision}
Revises: ${down_revision | comma,n}
Created: ${create_date}
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision: str = ${repr(up_revision)}
down_revision: str | Sequence[str] | None = ${repr(down_revision)}
branch_labels: str | Sequence[str] | None = ${repr(branch_labels)}
depends_on: str | Sequence[str] | None = ${repr(depends_on)}


def upgrade() -> None:
    ${statements(upgrades)}


def downgrade() -> None:
    ${statements(downgrades)}
